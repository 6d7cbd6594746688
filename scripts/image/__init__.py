"""The exported set and the code become an image that is a release, named by its content.
A release is read back from its image, so any machine can deploy it.
"""
