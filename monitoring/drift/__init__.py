"""How far a window moved from the reference: columns, predictions, relations. Pure: arrays in, findings out.

`judge_drift` is the list of its steps.
"""

from monitoring.drift.judge import judge_columns, judge_drift
from monitoring.drift.relation import judge_relation

__all__ = ["judge_columns", "judge_drift", "judge_relation"]
