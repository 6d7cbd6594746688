"""What a metric is, computed once or with a bootstrap interval; and rows drawn by chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract
from service.bundle.engines import Answer
from service.bundle.manifest import Metric as Interval
from training.common.numbers import number

RESAMPLES = 200
#: Resamples are no larger than this; their spread is scaled to the true number of rows.
RESAMPLE_ROWS = 20_000
#: A resample of fewer blocks would have hardly another to be made of.
LEAST_BLOCKS = 20

Rows = NDArray[np.intp]
K = TypeVar("K", bound=Hashable)


class Scored(NamedTuple):
    """Held-out rows with what a model made of them.

    regression: `truth` and `values` are numbers. classification: both are class numbers, `probabilities` by class.
    optimization: `truth` has columns optimal profit and converged, `values` profit and cost of the served recipe.
    Where a regression gives quantiles too, `quantiles` has a column for each of `levels`.
    """

    truth: NDArray[Any]
    values: NDArray[Any]
    probabilities: NDArray[Any] | None = None
    quantiles: NDArray[Any] | None = None
    levels: tuple[float, ...] = ()

    def take(self, rows: NDArray[Any]) -> Scored:
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        quantiles = None if self.quantiles is None else self.quantiles[rows]
        return Scored(self.truth[rows], self.values[rows], probabilities, quantiles, self.levels)


#: Turns a model's answer for the held-out rows with these numbers into what metrics are computed on.
Score = Callable[[Rows, Answer], Scored]


def score_plainly(target: NDArray[Any], contract: Contract) -> Score:
    """The scoring of regression and classification: truth beside answer."""

    def score(rows: Rows, answer: Answer) -> Scored:
        return scored_of(target[rows], answer, contract.levels)

    return score


def scored_of(truth: NDArray[Any], answer: Answer, levels: tuple[float, ...]) -> Scored:
    """Of answers with the quantiles behind the number, where they have some."""
    values = answer.values
    if values.ndim == 1:
        return Scored(truth, values, answer.probabilities)
    if not levels or values.shape[1] == 1:
        return Scored(truth, values[:, 0])
    return Scored(truth, values[:, 0], quantiles=values[:, 1:], levels=levels)


class Metric(NamedTuple):
    name: str
    title: str
    compute: Callable[[Scored], float]
    greater_is_better: bool
    #: What a value means to someone who trains no models; it may name `value`, `of_100` and `amount`.
    sentence: str
    #: The scorer of scikit-learn that a search maximises for it.
    scorer: str = ""
    #: Whether it reads better as a percentage.
    percent: bool = False
    #: What is said in its place of a value that is not above 0.
    nothing: str = ""
    #: Whether it is also computed of each slice and window; any other is there only where a gate names it.
    usual: bool = True
    #: Whether it judges quantiles, which only some models give.
    of_quantiles: bool = False

    def meaning(self, value: float, unit: str) -> str:
        """The sentence about a value; `unit` is the target's."""
        if not math.isfinite(value):
            return "It cannot be computed on these rows."
        if value <= 0 and self.nothing:
            return self.nothing
        amount = f"{number(value)} {unit}".strip()
        return self.sentence.format(value=value, of_100=value * 100, amount=amount)

    @property
    def short_title(self) -> str:
        """The title without what explains it."""
        return self.title.partition(":")[0]

    def shown(self, value: float) -> str:
        return f"{number(value * 100)}%" if self.percent else number(value)

    def compared(self, value: float, other: float) -> str:
        """How another model, whose value is `other`, does beside the one with `value`; empty where nobody can say."""
        if math.isnan(value) or math.isnan(other):
            return ""
        if value == other:
            return "same"
        return "better" if (other > value) == self.greater_is_better else "worse"


def measure(metrics: Sequence[Metric], scored: Scored) -> dict[str, float]:
    """Every metric; those of quantiles only where there are some."""
    return {
        metric.name: metric.compute(scored)
        for metric in metrics
        if scored.quantiles is not None or not metric.of_quantiles
    }


def measure_with_intervals(
    metrics: Sequence[Metric],
    scored: Scored,
    seed: int = 0,
    most: int = RESAMPLE_ROWS,
    in_order: bool = False,
) -> dict[str, Interval]:
    """Every metric with its 95 % bootstrap interval, from resamples of at most so many rows.

    Of rows that stand `in_order` of time, whole blocks are drawn: neighbours are alike, and an interval of rows drawn
    one by one would be too narrow.
    """
    return with_intervals(
        lambda drawn: measure(metrics, scored.take(drawn)), len(scored.truth), seed, most, in_order
    )


def with_intervals(
    compute: Callable[[Rows], dict[K, float]],
    rows: int,
    seed: int = 0,
    most: int = RESAMPLE_ROWS,
    in_order: bool = False,
) -> dict[K, Interval]:
    """Figures of rows by their numbers, with intervals as above."""
    size = min(rows, most)
    random = np.random.default_rng(seed)
    block = block_length(rows) if in_order else 1
    samples = [compute(_resample(rows, size, block, random)) for _ in range(RESAMPLES)]
    shrink = np.sqrt(size / rows)
    intervals = {}
    for name, value in compute(np.arange(rows)).items():
        spread = np.array([sample[name] for sample in samples])
        low, high = (
            np.nanquantile(spread, [0.025, 0.975]) if np.isfinite(spread).any() else (value, value)
        )
        ends = (float(value + (end - value) * shrink) for end in (low, high))
        intervals[name] = Interval(value, *ends)
    return intervals


def block_length(rows: int) -> int:
    """How many rows in order of time are drawn together: the root of all, in at least twenty blocks."""
    return max(1, min(math.isqrt(rows), rows // LEAST_BLOCKS))


def _resample(rows: int, size: int, block: int, random: np.random.Generator) -> Rows:
    """Blocks from anywhere; one that reaches beyond the last row goes on with the first."""
    if block == 1:
        return random.integers(0, rows, size)
    starts = random.integers(0, rows, -(-size // block))
    return ((starts[:, np.newaxis] + np.arange(block)) % rows).ravel()[:size]


def sample_rows(rows: int, most: int, seed: int) -> Rows:
    """The numbers of at most so many rows, drawn by chance, in their order."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])
