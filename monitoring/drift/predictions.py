"""What the model answers beside what it answered on held-out rows: outputs, and the predicted class's probability."""

from __future__ import annotations

import numpy as np

from monitoring.drift.comparison import Comparison, unknown
from monitoring.drift.nearest import compare_nearest
from monitoring.drift.numbers import Floats, Subject, compare_numbers
from monitoring.drift.seasons import Expectation
from monitoring.findings.values import Finding
from monitoring.window.values import Window, answers_of
from service.bundle.contract import Contract
from service.bundle.monitor_rules import JudgingRules
from service.bundle.reference import Histogram, NumberProfile, Reference
from training.metrics.effects import quantiles_of

#: The name of the finding of the predicted class's probability.
PROBABILITY = "probability"


def compare_predictions(
    window: Window,
    expectation: Expectation,
    contract: Contract,
    rules: JudgingRules,
    former: Window | None,
) -> tuple[list[Comparison], list[Finding]]:
    """What can be compared, and a finding of each output that cannot."""
    comparisons: list[Comparison] = []
    unanswered: list[Finding] = []
    for position, output in enumerate(contract.outputs):
        profiles = expectation.predictions(output.name)
        subject = Subject("prediction", output.name, rules.floor_of(output.name))
        values = _values(window, position)
        earlier = None if former is None else _values(former, position)
        if not profiles or any(profile.rows == profile.nulls for profile, _ in profiles):
            unanswered.append(unknown("prediction", output.name, "no reference", len(values)))
        elif len(values) < rules.least_rows:
            unanswered.append(unknown("prediction", output.name, "not enough rows", len(values)))
        else:
            comparisons.append(compare_nearest(subject, values, profiles, earlier))
    return comparisons + _probability(window, expectation.reference, rules, former), unanswered


def _values(window: Window, position: int) -> Floats:
    values: Floats = answers_of(np.asarray(window.values, dtype=np.float64), position)
    return values[~np.isnan(values)]


def _probability(
    window: Window, reference: Reference, rules: JudgingRules, former: Window | None
) -> list[Comparison]:
    histogram = reference.probability
    if histogram is None or window.probabilities is None or not sum(histogram.counts):
        return []
    subject = Subject("prediction", PROBABILITY, rules.floor_of(PROBABILITY))
    earlier = None if former is None else _middles(former, histogram)
    return [compare_numbers(subject, _middles(window, histogram), _profile(histogram), earlier)]


def _profile(histogram: Histogram) -> NumberProfile:
    values = np.repeat(_middles_of(histogram), histogram.counts)
    return NumberProfile(
        rows=len(values),
        nulls=0,
        mean=float(values.mean()),
        std=float(values.std()),
        quantiles=tuple(map(float, quantiles_of(values))),
    )


def _middles(window: Window, histogram: Histogram) -> Floats:
    """By bin as the reference's are: within a bin, which the histogram does not know, there is no difference."""
    if window.probabilities is None:
        return np.empty(0)
    rows = np.arange(len(window.values))
    predicted = window.probabilities[rows, np.asarray(window.values, dtype=np.intp)]
    places = np.searchsorted(histogram.edges, predicted, side="right") - 1
    return _middles_of(histogram)[np.clip(places, 0, len(histogram.counts) - 1)]


def _middles_of(histogram: Histogram) -> Floats:
    edges = np.array(histogram.edges)
    return np.asarray((edges[:-1] + edges[1:]) / 2)
