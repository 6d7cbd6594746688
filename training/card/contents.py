"""The card's contents besides the figures: data, contract, limits, and a call with its answer."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from service.bundle.contract import Column
from service.bundle.engines import predict_with
from service.bundle.rows.encoder import Encoder
from training.data.sources import JOURNALLED
from training.judge.evaluation import Evaluation, Slice
from training.judge.result import TrainingResult
from training.spec.values import Spec

ADDRESS = "http://127.0.0.1:8080"
#: A category with more values than this is cut short in the contract's table.
MOST_CATEGORIES = 12


class Field(NamedTuple):
    """A line of the contract's table."""

    column: Column
    allowed: str
    seen: str
    example: str


def rows_word(result: TrainingResult) -> str:
    """What the rows are called."""
    return "contexts" if result.spec.task == "optimization" else "rows"


def about_data(result: TrainingResult) -> list[tuple[str, str]]:
    dataset, data, report = result.dataset, result.spec.data, result.dataset.report
    source = report.source if report else data.source if data else ""
    missing = report.rows - len(dataset.frame) if report else 0
    left_out = f", {missing:,} left out because they break the contract" if missing else ""
    lines = [
        ("Source", source or f"optima of the model {result.spec.goal.model}"),
        ("Period", _period(result)),
        ("Rows", f"{len(dataset.frame):,} usable{left_out}"),
        ("From the journal", _journalled(result)),
        ("Held out", f"{len(dataset.split.held_out):,} rows, {_split_in_words(result)}"),
        ("Checks", _checks(result)),
    ]
    return [(name, value) for name, value in lines if value]


def _checks(result: TrainingResult) -> str:
    report = result.dataset.report
    if report is None:
        return ""
    violations = "; ".join(
        f"{each.severity}: {each.column or 'all rows'} {each.message}" for each in report.violations
    )
    return f"{len(report.checked)} checks, {violations or 'nothing found'}"


def _journalled(result: TrainingResult) -> str:
    """How much of what the model learnt from, and was judged on, it or those before it had answered for."""
    frame = result.dataset.frame
    if JOURNALLED not in frame:
        return ""
    served = frame[JOURNALLED].to_numpy(dtype=bool)
    learnt, judged = served[result.dataset.split.train], served[result.dataset.split.held_out]
    return (
        f"{learnt.mean():.1%} of the training rows ({learnt.sum():,}) and {judged.mean():.1%} of the held-out rows"
        f" ({judged.sum():,}) were served, and their truth came in"
    )


def _split_in_words(result: TrainingResult) -> str:
    data = result.spec.data
    if data is None:
        return "by chance: the held-out contexts were not shown to the model"
    if data.split == "time":
        return (
            f"by {data.time}: the model learnt from the earlier rows and was judged on the latest"
        )
    if data.split == "stratified":
        return "by chance, so that each class has the same share on both sides"
    return "by chance: every row had the same odds to be held out"


def _period(result: TrainingResult) -> str:
    """From when to when the rows are, where the spec names a time column."""
    data = result.spec.data
    if data is None or not data.time or data.time not in result.dataset.frame:
        return ""
    moments = pd.to_datetime(result.dataset.frame[data.time], utc=True)
    return f"{moments.min():%Y-%m-%d} to {moments.max():%Y-%m-%d}"


def field(result: TrainingResult, column: Column) -> Field:
    allowed = column.allowed.removesuffix(" or null")
    if column.other is not None:
        count = f"{len(column.categories):,}"
        allowed = (
            f"any text; {count} are known, of which fewer than {column.rare} rows count as other"
        )
    elif len(column.categories) > MOST_CATEGORIES:
        shown = ", ".join(map(repr, column.categories[:MOST_CATEGORIES]))
        allowed = f"one of {shown} and {len(column.categories) - MOST_CATEGORIES} more"
    example = "" if column.sensitive else json.dumps(column.sample, ensure_ascii=False)
    return Field(column, allowed, _seen(result, column), example)


def _seen(result: TrainingResult, column: Column) -> str:
    """The values of the training rows in short; nothing that could give away a sensitive one."""
    if column.sensitive:
        return "not shown: sensitive"
    matrix, _ = result.dataset.train
    values = result.dataset.contract.parts_of(column.name)[0].values(matrix)
    present = values[~np.isnan(values)].astype(np.float64)
    nulls = 1 - len(present) / max(len(values), 1)
    missing = f"{nulls:.1%} null" if nulls else ""
    return ", ".join(filter(None, [_range(column, present), missing]))


def _range(column: Column, present: np.ndarray[Any, Any]) -> str:
    if len(present) == 0 or column.type == "timestamp":
        return ""
    if column.type == "boolean":
        return f"true in {present.mean():.1%}"
    if column.type == "category":
        codes, counts = np.unique(present, return_counts=True)
        common = column.levels[int(codes[counts.argmax()])]
        others = f", {np.mean(present == column.other):.1%} other" if column.other else ""
        return f"{len(codes)} of {len(column.levels)}, mostly {common}{others}"
    low, middle, high = np.quantile(present, [0, 0.5, 1])
    return f"{low:.4g} to {high:.4g}, half below {middle:.4g}"


def limits(result: TrainingResult) -> Iterator[str]:
    """The spec's own limit, what is true of every such model, what this evaluation shows."""
    spec, evaluation = result.spec, result.evaluation
    if spec.limits:
        yield spec.limits
    if spec.objective is not None:
        yield (
            f"Recipes were found by asking the model {spec.objective.model}, "
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
    if spec.data is not None and spec.data.split != "time":
        yield "Rows were held out by chance, so the figures do not show how the model ages."
    yield from _of_ones_own(spec)
    yield from _unwatched(result)
    if evaluation is None:
        yield "This version was not evaluated: nothing is known about how good it is."
        return
    yield from _weakest(result, evaluation)
    if spec.slices.columns:
        yield (
            f"Parts with fewer than {spec.slices.minimum_rows} held-out {rows_word(result)} "
            "were not judged on their own."
        )
    yield (
        "The intervals say how much a figure depends on which rows happened to be held out. "
        "They do not cover a world that changes afterwards: that is what monitoring is for."
    )


def _of_ones_own(spec: Spec) -> Iterator[str]:
    if spec.imported is not None:
        yield (
            "It was trained elsewhere and may have seen the held-out rows: then the figures show how well it "
            "remembers, not how well it predicts."
        )
    if spec.features.prepare:
        yield (
            f"It takes columns that {spec.features.prepare} makes: callers prepare their rows by the same code first."
        )


def _unwatched(result: TrainingResult) -> Iterator[str]:
    """What the monitor cannot see. Its floors may be others by now, and are not on the card."""
    sensitive = [column.name for column in result.spec.inputs if column.sensitive]
    if sensitive:
        yield f"The monitor looks at no sensitive column, and sees no change in {', '.join(sensitive)}."
    if result.spec.task == "optimization":
        yield "The monitor knows no truth by row of a recipe: it watches what is asked and proposed."


def _weakest(result: TrainingResult, evaluation: Evaluation) -> Iterator[str]:
    """The part with the worst deciding metric, if it is worse than the whole."""
    deciding = result.spec.deciding
    whole = evaluation.metrics[deciding.name].value

    def value(part: Slice) -> float:
        return part.metrics[deciding.name].value

    worse = [part for part in evaluation.slices if deciding.compared(whole, value(part)) == "worse"]
    if worse:
        part = (min if deciding.greater_is_better else max)(worse, key=value)
        yield (
            f"Weakest where {part.column} is {part.value}: {deciding.short_title} "
            f"{deciding.shown(value(part))}, on all {rows_word(result)} {deciding.shown(whole)}."
        )


def call(result: TrainingResult) -> str:
    """The example row as a call of the service."""
    body = json.dumps({"rows": [result.dataset.contract.example]}, ensure_ascii=False, indent=1)
    return (
        f"curl {ADDRESS}/v1/models/{result.spec.name}/predict \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(body)}"
    )


def answer(result: TrainingResult) -> str:
    """What comes back for it, by this very model."""
    contract, model = result.dataset.contract, result.fitted.finished.estimator
    values, probabilities = predict_with(model, Encoder(contract).encode_rows([contract.example]))
    document: dict[str, Any] = {
        "model": contract.model,
        "version": result.version or "1",
        "arm": "champion",
        "request_id": "…",
    }
    if probabilities is not None:
        document["predictions"] = [contract.classes[int(values[0])]]
        document["probabilities"] = [[round(float(cell), 4) for cell in probabilities[0]]]
        document["classes"] = list(contract.classes)
    else:
        numbers = [float(f"{cell:.5g}") for cell in values[0]]
        document["predictions"] = [numbers if len(numbers) > 1 else numbers[0]]
        document["outputs"] = [output.name for output in contract.outputs]
    return json.dumps(document, ensure_ascii=False)
