"""How good predictions probably are before the truth is in, and when that cannot be known."""
