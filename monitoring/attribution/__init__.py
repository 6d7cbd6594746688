"""Which columns and slices explain a drop of estimate or quality, ranked, with rows to look at."""

from monitoring.attribution.attribution import explain_drop, last_good

__all__ = ["explain_drop", "last_good"]
