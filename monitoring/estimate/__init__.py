"""How good predictions probably are before the truth is in, and when that cannot be known."""

from monitoring.estimate.estimate import judge_estimate
from monitoring.estimate.trust import distrust, judge_trust, relation_changed

__all__ = ["distrust", "judge_estimate", "judge_trust", "relation_changed"]
