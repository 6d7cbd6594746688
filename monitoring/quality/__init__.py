"""How good predictions were, by the truth that is in: metrics with intervals, by slice; how much truth there is."""
