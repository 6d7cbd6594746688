"""Which columns and slices explain a drop of estimate or quality, ranked, with rows to look at."""
