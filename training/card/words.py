"""The card's words: what a metric, a split and a limit mean to someone who trains no models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pandas as pd

from training.card.plots import deciding, short
from training.common.html import number
from training.judge.evaluation import Slice
from training.judge.result import Facts
from training.metrics.tasks import METRICS, Metric, metric

TASKS = {
    "regression": "predicts a number",
    "classification": "picks one of several classes",
    "optimization": "proposes settings",
}

CANDIDATES = {
    "linear": "linear model",
    "random-forest": "random forest",
    "extra-trees": "extra trees",
    "gradient-boosting": "gradient boosting",
    "histogram-gradient-boosting": "histogram gradient boosting",
    "mlp": "neural network",
}

#: Metrics that read better as a percentage.
_SHARES = ("regret", "convergence")

#: What a value means, by task and metric; `{unit}` is the target's.
_MEANING: dict[tuple[str, str], Callable[[float, str], str]] = {
    ("regression", "r2"): lambda value, unit: (
        f"The model explains {value:.0%} of the differences between rows; 100% would be perfect, "
        "0% is no better than always giving the average."
    ),
    ("regression", "mae"): lambda value, unit: (
        f"On average a prediction is off by {_amount(value, unit)}."
    ),
    ("regression", "rmse"): lambda value, unit: (
        f"A typical miss is {_amount(value, unit)} when large misses count more than small ones."
    ),
    ("classification", "f1"): lambda value, unit: (
        "Finding the cases of a class and not crying wolf, in one figure. Each class counts "
        "the same, however rare. 1 is perfect."
    ),
    ("classification", "accuracy"): lambda value, unit: (
        f"Of 100 cases, about {value * 100:.0f} get the right class."
    ),
    ("classification", "auc"): lambda value, unit: (
        "Shown one case of a class and one of another, the model tells them apart "
        f"{value * 100:.0f} times in 100; guessing does 50."
    ),
    ("classification", "precision"): lambda value, unit: (
        f"When the model names a class, it is right about {value * 100:.0f} times in 100, "
        "averaged over the classes."
    ),
    ("classification", "recall"): lambda value, unit: (
        f"Of 100 cases of a class, the model finds about {value * 100:.0f}, "
        "averaged over the classes."
    ),
    ("optimization", "regret"): lambda value, unit: (
        f"Following the model at once loses {value:.1%} of the profit "
        "that a long search would reach."
    ),
    ("optimization", "convergence"): lambda value, unit: (
        f"In {value:.1%} of the contexts the search settled on one best recipe."
    ),
    ("optimization", "cost"): lambda value, unit: (
        f"A proposed recipe costs {number(value)} on average, in the unit of the spec's prices."
    ),
}


def _amount(value: float, unit: str) -> str:
    return f"{number(value)} {unit}".strip()


def shown(name: str, found: float) -> str:
    return f"{number(found * 100)}%" if name in _SHARES else number(found)


def rows(facts: Facts) -> str:
    """What the rows are called."""
    return "contexts" if facts.spec.task == "optimization" else "rows"


RIVALS = {
    "majority": "Commonest class",
    "mean": "Average",
    "linear": "Linear model",
    "champion": "Champion",
}

_SIMPLER = {
    "majority": "Always giving the commonest class",
    "mean": "Always giving the average",
    "linear": "A linear model",
}


def comparison(facts: Facts) -> str:
    """How to read the columns beside the model's own."""
    assert facts.evaluation is not None  # asked before
    names = [_SIMPLER[rival.name] for rival in facts.evaluation.simpler]
    parts = []
    if names:
        simple = " and ".join([names[0], *(name.lower() for name in names[1:])])
        parts.append(f"{simple}: that is what a model has to beat to be worth having.")
    if facts.chosen.candidate == "linear":
        parts.append("This model is the linear one itself.")
    if facts.evaluation.champion:
        parts.append("The champion is the version in use when this one was trained.")
    if facts.evaluation.rivals:
        parts.append("Better or worse is said of them, beside this model, on the same rows.")
    return " ".join(
        parts if facts.evaluation.champion else [*parts, "There was no champion to compare with."]
    )


def unbeaten(facts: Facts) -> list[str]:
    """A sentence for each simpler rival that is as good by a figure on which the model is judged."""
    if facts.evaluation is None:
        return []
    sentences = []
    for rival in facts.evaluation.simpler:
        figures = [
            f"{one.title.partition(':')[0]} {shown(one.name, other)}, this model {shown(one.name, value)}"
            for one in _judged_by(facts)
            for value, other in [
                (facts.evaluation.metrics[one.name].value, rival.metrics[one.name])
            ]
            if better(facts, one.name, value, other) != "worse"
        ]
        if figures:
            sentences.append(
                f"{_SIMPLER[rival.name]} does as well or better: {'; '.join(figures)}."
            )
    return sentences


def _judged_by(facts: Facts) -> list[Metric]:
    """The deciding metric, those of the gates, and what everyone asks of a classifier.

    Of an optimization the deciding one alone: convergence is the search's, the same for whatever was distilled from it.
    """
    names = {deciding(facts).name}
    if facts.spec.task != "optimization":
        names |= {*facts.spec.gates.metrics, "accuracy"}
    return [one for one in METRICS[facts.spec.task] if one.name in names]


def meaning(facts: Facts, name: str, value: float) -> str:
    if not math.isfinite(value):
        return "It cannot be computed on these rows."
    if name == "r2" and value <= 0:
        return "The model is no better than always giving the average."
    return _MEANING[facts.spec.task, name](value, facts.spec.target.unit)


def is_sample(facts: Facts) -> bool:
    """Whether the rows are made up. Of an optimization, its objective's card says it."""
    return facts.spec.data is not None and facts.spec.data.source.startswith("sample:")


def split_in_words(facts: Facts) -> str:
    data = facts.spec.data
    if data is None:
        return "by chance: the held-out contexts were not shown to the model"
    if data.split == "time":
        return (
            f"by {data.time}: the model learnt from the earlier rows and was judged on the latest"
        )
    if data.split == "stratified":
        return "by chance, so that each class has the same share on both sides"
    return "by chance: every row had the same odds to be held out"


def period(facts: Facts) -> str:
    """From when to when the rows are, where the spec names a time column."""
    data = facts.spec.data
    if data is None or not data.time or data.time not in facts.dataset.frame:
        return ""
    moments = pd.to_datetime(facts.dataset.frame[data.time], utc=True)
    return f"{moments.min():%Y-%m-%d} to {moments.max():%Y-%m-%d}"


def limits(facts: Facts) -> Iterator[str]:
    """The spec's own limit, what is true of every such model, what this evaluation shows."""
    if facts.spec.limits:
        yield facts.spec.limits
    yield from _limits_of_task(facts)
    yield from _limits_of_evaluation(facts)


def _limits_of_task(facts: Facts) -> Iterator[str]:
    if facts.spec.objective is not None:
        yield (
            f"Recipes were found by asking the model {facts.spec.objective.model}, "
            "not by growing them: they are as right as that model and the prices in the spec."
        )
    else:
        yield (
            "It learnt what goes together, not what causes what: changing an input on purpose "
            "need not change the outcome as predicted."
        )
    yield (
        "Inputs outside the contract are refused. Inside it, combinations that were rare "
        "in training are predicted less surely."
    )
    if facts.spec.data is not None and facts.spec.data.split != "time":
        yield "Rows were held out by chance, so the figures do not show how the model ages."


def _limits_of_evaluation(facts: Facts) -> Iterator[str]:
    if facts.evaluation is None:
        yield "This version was not evaluated: nothing is known about how good it is."
        return
    weakest = _weakest(facts)
    if weakest is not None:
        judged = deciding(facts)
        yield (
            f"Weakest where {weakest.column} is {weakest.value}: {short(judged)} "
            f"{shown(judged.name, weakest.metrics[judged.name].value)}, on all {rows(facts)} "
            f"{shown(judged.name, facts.evaluation.metrics[judged.name].value)}."
        )
    if facts.spec.slices.columns:
        yield (
            f"Parts with fewer than {facts.spec.slices.minimum_rows} held-out {rows(facts)} "
            "were not judged on their own."
        )
    yield (
        "The intervals say how much a figure depends on which rows happened to be held out. "
        "They do not cover a world that changes afterwards: that is what monitoring is for."
    )


def _weakest(facts: Facts) -> Slice | None:
    """The part with the worst deciding metric, if it is worse than the whole."""
    assert facts.evaluation is not None  # asked before
    judged = deciding(facts)
    sign = 1 if judged.greater_is_better else -1
    whole = sign * facts.evaluation.metrics[judged.name].value
    worse = [
        part for part in facts.evaluation.slices if sign * part.metrics[judged.name].value < whole
    ]
    return min(worse, key=lambda part: sign * part.metrics[judged.name].value, default=None)


def better(facts: Facts, name: str, value: float, other: float) -> str:
    """How another model's value stands beside this one's."""
    if value == other:
        return "same"
    return (
        "better" if (other > value) == metric(facts.spec.task, name).greater_is_better else "worse"
    )
