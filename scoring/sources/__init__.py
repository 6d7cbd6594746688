"""The table that is scored, a batch at a time: files, or the rows of a query."""
