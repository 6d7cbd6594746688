"""What a candidate is: how its estimator is built, what a search may vary of it, and which inputs it wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from service.bundle.contract import Contract
from training.spec.values import Spec


def nothing_to_vary(_: Contract) -> Mapping[str, Any]:
    return {}


class Candidate(NamedTuple):
    """`build` gives an estimator that is not fitted, with the spec's seed. `space` is of its own parameters."""

    title: str
    build: Callable[[Spec, Contract], Any]
    space: Callable[[Contract], Mapping[str, Any]] = nothing_to_vary
    #: What stands before it: missing filled and categories spread (`plain`), numbers scaled too, `codes` of
    #: categories with the rare ones folded into one, or `none` of ours.
    preprocessing: Literal["scaled", "plain", "codes", "none"] = "plain"
    #: Whether it predicts several numbers at once; else one estimator is fitted for each.
    multiple: bool = True
    #: Its parameters in the fit on all rows, where these are many: what few rows need many steps for.
    of_many_rows: Mapping[str, Any] = MappingProxyType({})
