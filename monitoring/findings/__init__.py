"""What the monitor says of windows, as values, and the database that keeps them."""
