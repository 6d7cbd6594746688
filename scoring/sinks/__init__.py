"""Where answers go: a Parquet or CSV file, or a table of a database. Each is there whole or not at all."""
