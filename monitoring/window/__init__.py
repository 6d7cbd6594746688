"""The journal's rows of one model, version and span of time, read as arrays of bounded size."""
