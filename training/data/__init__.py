"""From a spec's source to rows that are checked, encoded and split.

`dataset.validate` is the whole of it; the report says what the checks saw.
"""
