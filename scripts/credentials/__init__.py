"""The stack's secrets: keys, certificates and the database's passwords are made, rotated and revoked.
Nothing here is printed, and a key is written as it is in one file for its owner alone.
"""
