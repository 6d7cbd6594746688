"""A deploy that a build of Jenkins began runs by itself, in a folder of its own, and outlives the build.
An abort of the build becomes a message to it.
"""
