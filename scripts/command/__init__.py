"""How any command begins and ends: options and values from outside, exit codes, deadlines, files, signals.
It imports no other room.
"""
