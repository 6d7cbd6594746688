"""The ground of training: errors, progress, where state lies, files written whole, provenance, HTML.

Knows no spec and no model.
"""
