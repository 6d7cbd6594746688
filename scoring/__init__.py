"""Scores tables in batches: each row of a table through the bundle of one version, in constant memory.

A source is divided into parts. Each part is read, encoded, predicted and written aside; when all are written, they
become the output at once. What was written stays, so a scoring that was interrupted goes on where it was.
"""
