"""Callers whose inputs shift, whose truth comes late, whose relation changes: the demonstration."""
