"""How good predictions were, by the truth that is in: metrics with intervals, by slice; how much truth there is."""

from monitoring.quality.quality import judge_quality
from monitoring.quality.slices import slices_of

__all__ = ["judge_quality", "slices_of"]
