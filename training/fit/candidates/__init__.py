"""The estimators that may compete: what a candidate is, those of ours, how one is looked up and put in a pipeline."""
