"""Evidently's HTML report of a window, for people."""
