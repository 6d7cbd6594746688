"""`[fairness]` and `gates.fairness` of a spec: whose figures are compared, and how far apart they may lie."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Fairness(Struct, frozen=True):
    """The column whose values are the groups: an input, or a column of the source that the model never sees."""

    group: str
    #: The class whose selection is counted; of two classes the second, where nothing is given.
    positive: str = ""
    #: No figure is of fewer held-out rows.
    minimum_rows: Annotated[int, Meta(ge=5)] = 50


class Apart(Struct, frozen=True):
    """How far apart the groups may lie: the largest less the least figure, or the least as a share of the largest."""

    difference: Annotated[float, Meta(ge=0)] | None = None
    ratio: Annotated[float, Meta(gt=0, le=1)] | None = None
