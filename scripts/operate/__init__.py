"""What people and the nightly job do with a stack: up, down, status, confirm, trace, prune, backup.
And the service on this machine alone: run.
"""
