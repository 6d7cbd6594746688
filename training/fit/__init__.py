"""From rows to the engine that will answer: search, refit on all rows, compile, prove equal.

An optimization's rows are made here too: the optima of another model.
"""
