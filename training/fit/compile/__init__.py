"""The pipeline as the file of an engine, proven equal; with nodes of our own where the converters have none."""
