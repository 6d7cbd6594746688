"""The metrics of recipes: how each is computed, which way is better, what it is called and what it means."""

from __future__ import annotations

from training.metrics.metric import Metric, Scored


def _regret(scored: Scored) -> float:
    return float(1.0 - scored.values[:, 0].sum() / scored.truth[:, 0].sum())


def _convergence(scored: Scored) -> float:
    return float(scored.truth[:, 1].mean())


def _cost(scored: Scored) -> float:
    return float(scored.values[:, 1].mean())


METRICS = (
    Metric(
        "regret",
        "regret: share of the optimal profit that is lost",
        _regret,
        False,
        "Following the model at once loses {value:.1%} of the profit that a long search would reach.",
        percent=True,
    ),
    Metric(
        "convergence",
        "contexts that converged",
        _convergence,
        True,
        "In {value:.1%} of the contexts the search settled on one best recipe.",
        percent=True,
    ),
    Metric(
        "cost",
        "mean cost of a recipe",
        _cost,
        False,
        "A proposed recipe costs {amount} on average, in the unit of the spec's prices.",
    ),
)
