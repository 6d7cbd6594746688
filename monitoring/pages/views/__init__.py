"""The routes, by what they are of: the state of now, one model, what was."""
