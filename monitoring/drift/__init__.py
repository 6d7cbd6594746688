"""How far a window moved from the reference: by column, by prediction, by their relations. Pure: arrays in, findings out."""
