"""What a table is refused with."""


class TableError(Exception):
    """A table that cannot be read: which one, what is wrong with it, what is allowed."""
