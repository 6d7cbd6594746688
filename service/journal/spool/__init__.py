"""The files between workers and shipper: each worker appends to its own, and the kernel keeps what was written.

`frames` says what is in a file, `segments` who may do what with it, `room` what happens at the spool's bound.
"""
