"""Callers whose inputs shift, whose truth comes late, whose relation changes: the demonstration.

They are ordinary callers over HTTP, at a bounded rate; rows are those of a version's own reference.
"""
