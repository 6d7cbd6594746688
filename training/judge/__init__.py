"""From an engine's answers to a verdict: metrics with intervals, slices, importance, rivals, and the gate's rules.

`result.TrainingResult` is everything that is known then.
"""
