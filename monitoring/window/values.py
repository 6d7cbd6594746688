"""An arm, a span of time, the window of the journal in it, and the rows of it whose truth is in."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Matrix


class Span(NamedTuple):
    """From `start` to before `end`, both aware and in UTC."""

    start: dt.datetime
    end: dt.datetime


class Arm(NamedTuple):
    """Whose predictions a window has."""

    model: str
    version: str
    name: str


class Count(NamedTuple):
    """Predictions of a span, those made again too; when the first and the last was made."""

    predictions: int
    first: dt.datetime | None
    last: dt.datetime | None


class Part(NamedTuple):
    """What of a window is read: all of it, or short pieces that stand for `factor` times as much."""

    pieces: tuple[Span, ...] = ()
    factor: float = 1.0


class Window(NamedTuple):
    """`rows` counts the arm's rows in the span, one that was predicted again once; the arrays are a sample of them.

    `matrix` is in the order of the contract, as its encoder gives it; sensitive columns are NaN. `values` are class
    numbers (n,) of a classifier, else numbers (n, outputs); `probabilities` (n, classes) or None.
    """

    model: str
    version: str
    arm: str
    span: Span
    rows: int
    matrix: Matrix
    values: NDArray[Any]
    probabilities: NDArray[np.float32] | None
    #: When each row of the sample was predicted, as seconds since 1970.
    at: NDArray[np.float64]
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    seed: int = 0
    requests: int = 0
    release: str = ""
    #: By request, in milliseconds: the quantiles 0.5, 0.95 and 0.99.
    latency_ms: tuple[float, float, float] | None = None
    part: Part = Part()


class TruthRows(NamedTuple):
    """Rows of a window whose truth is in: `with_truth` of `rows`; the arrays are a seeded sample of those.

    `truth` is class numbers (n,) of a classifier, one beyond the last for what is no class of this version, else
    numbers (n,). `delay` is seconds from prediction to truth.
    """

    rows: int
    with_truth: int
    matrix: Matrix
    values: NDArray[Any]
    probabilities: NDArray[np.float32] | None
    truth: NDArray[Any]
    delay: NDArray[np.float64]
    #: Whose truth replaced another.
    corrected: int = 0


def answers_of(values: NDArray[Any], output: int = 0) -> NDArray[Any]:
    """By row: class numbers as they are, or the numbers of one output."""
    return values if values.ndim == 1 else values[:, output]
