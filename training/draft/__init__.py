"""A first spec for a table: what its columns hold, what a model has to be better than, and the file."""
