"""Rows as the one matrix that a model is fed: value by value, and a column of a table at once."""
