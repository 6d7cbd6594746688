"""What a build of Jenkins adds: how far it goes, what it came to, what becomes of a release that nobody wanted.
The pipelines themselves only order these commands.
"""
