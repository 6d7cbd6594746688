"""The stack as its callers meet it: its address and certificate, its counters, golden rows, the canary watch.
A deploy, `make confirm` and `make status` all ask it here.
"""
