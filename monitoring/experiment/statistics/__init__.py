"""Statistics of two arms, of numbers alone: nothing here knows a journal or a model."""
