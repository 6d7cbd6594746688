"""`[search]` of a spec, which estimators compete and for how long; and `[import]`, which takes its place."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from service.bundle.monitor_rules import Positive
from training.common import own_code

#: Own code: `mypackage.models:build`.
OwnFunction = Annotated[str, Meta(pattern=own_code.PATTERN)]
CandidateName = Literal[
    "linear",
    "random-forest",
    "extra-trees",
    "gradient-boosting",
    "mlp",
]


class Search(Struct, frozen=True):
    """Which estimators compete, and how many trials they share."""

    #: Names of ours, or own code (training/spec/own_rules.py holds them to both).
    candidates: tuple[str, ...]
    budget: Positive = 12
    #: Nothing further is tried for which there is no time within so many seconds.
    budget_seconds: Positive | None = None
    folds: Annotated[int, Meta(ge=2, le=20)] = 3
    seed: Annotated[int, Meta(ge=0)] = 1
    scoring: str = ""
    #: Trials look at no more rows than this; what they find best is then fitted on all.
    rows: Positive = 50_000
    #: `onnx` passes over a winner that cannot be compiled; `any` serves it with skops.
    engine: Literal["onnx", "any"] = "onnx"


class Import(Struct, frozen=True):
    """A model that was trained elsewhere: an ONNX file, or an MLflow model as a folder or `models:/NAME/VERSION`."""

    file: str = ""
    model: str = ""
    #: The outputs that count, where the model has others besides.
    outputs: tuple[str, ...] = ()
