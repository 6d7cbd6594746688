"""The rules that a well-formed spec may still break: keys that contradict each other. Each gives sentences."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Collection, Iterable, Iterator

from outside.address import public
from service.bundle.lengths import parse_age
from tables.csv_format import CsvFormat
from training.metrics.tasks import METRICS
from training.spec.column_rules import column_problems
from training.spec.fairness_rules import fairness_problems
from training.spec.monitor_rules import monitor_problems, or_nothing
from training.spec.own_rules import own_problems
from training.spec.target import candidate_problems, interval_problems, target_problems
from training.spec.values import Data, Spec

#: A setting of the stack (docs/swarm.md), and its default there.
RETENTION, USUAL_RETENTION = "JOURNAL_RETENTION_DAYS", "90"

#: Sources that are no CSV files.
_NO_CSV = re.compile(r"sample:|.*://|.*\.parquet$", re.DOTALL)
#: Columns whose values have an order that a prediction may follow.
ORDERED = ("number", "integer", "boolean", "timestamp")
#: Our candidates that cannot be held to a direction.
NOT_MONOTONE = ("linear", "random-forest", "extra-trees", "mlp")


def contradictions(spec: Spec, stem: str) -> Iterator[str]:
    if spec.name != stem:
        yield f"name: given {spec.name!r}; allowed: {stem!r}, as the file is called"
    yield from column_problems(spec)
    yield from _recipe_problems(spec) if spec.task == "optimization" else _data_problems(spec)
    yield from _monotone_problems(spec)
    yield from own_problems(spec)
    yield from target_problems(spec.target, spec.task, spec.search.engine)
    yield from interval_problems(spec.target, spec.contract())
    yield from candidate_problems(spec.target, spec.search.candidates)
    yield from _metric_problems(spec)
    yield from _slice_problems(spec)
    yield from fairness_problems(spec)
    yield from monitor_problems(spec)


def _monotone_problems(spec: Spec) -> Iterator[str]:
    """Columns that have no direction to hold a prediction to, and candidates that cannot be held to one."""
    monotone = spec.monotone
    for column in spec.inputs:
        if column.name in monotone and column.type not in ORDERED:
            yield (
                f"columns.{column.name}.monotone: given for a {column.type}; allowed: for {', '.join(ORDERED)}"
            )
    if not monotone:
        return
    first = min(monotone)
    others = [name for name in spec.search.candidates if name in NOT_MONOTONE]
    if others:
        yield (
            f"search.candidates: given {', '.join(others)}, which heed no columns.{first}.monotone;"
            " allowed with it: 'gradient-boosting'"
        )
    if len(spec.target.classes) > 2:
        yield (
            f"columns.{first}.monotone: given for {len(spec.target.classes)} classes;"
            " allowed: of a number or two classes"
        )


def _data_problems(spec: Spec) -> Iterator[str]:
    data = spec.data
    if data is None:
        yield "data: missing; a table with at least source and target is needed"
        return
    if data.target in {column.name for column in spec.inputs}:
        yield f"data.target: given {data.target!r}, which is an input too; a model must not see its target"
    if data.split == "time" and not data.time:
        yield "data.time: missing; split = 'time' needs the column that orders the rows"
    if data.split == "stratified" and spec.task != "classification":
        yield f"data.split: given 'stratified' for {spec.task}; allowed: 'random' or 'time'"
    if bool(data.query) != ("://" in data.source):
        yield "data.query: needed by an SQL source ('://' in data.source), and only by one"
    yield from _csv_problems(data)
    if spec.objective or spec.recipe:
        yield f"objective, recipe: given for {spec.task}; allowed: only for task 'optimization'"
    if spec.task != "classification" and spec.target.classes:
        yield f"target.classes: given for {spec.task}; allowed: only for task 'classification'"
    yield from _freshness_problems(spec, data)


def _csv_problems(data: Data) -> Iterator[str]:
    """How CSV files are written: each key by itself, and only where files are CSV."""
    for key, problem in data.form.problems():
        yield f"data.{key}: {problem}"
    if _NO_CSV.match(data.source):
        for key, usual in CsvFormat()._asdict().items():
            if getattr(data.form, key) != usual:
                yield f"data.{key}: given for {public(data.source)}; allowed: only for CSV files"


def _freshness_problems(spec: Spec, data: Data) -> Iterator[str]:
    """Of the newest rows, and of those that were served."""
    window = or_nothing(parse_age, data.window) if data.window else None
    if data.window and window is None:
        yield f"data.window: given {data.window!r}; allowed: '1h' to '36500d' (hours, days)"
    if (data.window or data.journal) and data.split != "time":
        yield (
            f"data.split: given {data.split!r}; with data.window or data.journal allowed: 'time', so that the newest"
            " rows are what champion and challenger are measured on"
        )
    if not data.journal:
        return
    for column in spec.inputs:
        if column.sensitive:
            yield (
                f"data.journal: given true, and columns.{column.name} is sensitive: the journal has no such column,"
                " or keeps its hash alone, so that no journalled row can be trained on"
            )
        if column.type == "timestamp":
            yield (
                f"data.journal: given true, and columns.{column.name} is a timestamp, of which the journal keeps"
                f" only {', '.join(column.time_parts)}"
            )
    days = retention_days()
    if window is not None and days and window > dt.timedelta(days=days):
        yield (
            f"data.window: given {data.window!r}; with data.journal at most '{days}d' is allowed, for which the"
            f" journal keeps its rows ({RETENTION}), or the older part would be of the source alone"
        )


def retention_days() -> int:
    """For how many days the journal keeps rows, as the stack's setting says; 0 for ever."""
    text = os.environ.get(RETENTION) or USUAL_RETENTION
    return int(text) if text.isascii() and text.isdigit() else int(USUAL_RETENTION)


def _recipe_problems(spec: Spec) -> Iterator[str]:
    if spec.objective is None or not spec.recipe:
        yield "objective, recipe: missing; an optimization needs both"
        return
    names = {column.name for column in spec.inputs}
    if spec.data:
        yield "data: given; an optimization makes its own from objective.model"
    if spec.features.prepare:
        yield "features.prepare: given for optimization, which makes its own rows"
    for name, part in spec.recipe.items():
        if name in names:
            yield f"recipe.{name}: is an input too; a recipe decides what the context does not say"
        if part.minimum >= part.maximum:
            yield f"recipe.{name}.minimum: given {part.minimum}; allowed: below {part.maximum}"
        for factor in sorted(set(part.times) - names):
            yield f"recipe.{name}.times: given {factor!r}; allowed: {', '.join(sorted(names))}"


def _metric_problems(spec: Spec) -> Iterator[str]:
    metrics = METRICS[spec.task]
    if spec.search.scoring:
        # Of an optimization, a search only learns to copy the optima.
        scoring = [m.name for m in metrics if m.scorer or spec.task == "optimization"]
        yield from _unknown(spec, "search.scoring", [spec.search.scoring], scoring)
    allowed = [m.name for m in metrics if spec.target.intervals or not m.of_quantiles]
    for part in ("metrics", "slices", "champion"):
        yield from _unknown(spec, f"gates.{part}", getattr(spec.gates, part), allowed)
    for part in ("metrics", "slices"):
        for name, bound in getattr(spec.gates, part).items():
            if bound.min is None and bound.max is None:
                yield f"gates.{part}.{name}: given nothing; allowed: min, max or both"


def _unknown(
    spec: Spec, path: str, names: Iterable[str], allowed: Collection[str]
) -> Iterator[str]:
    for name in names:
        if name not in allowed:
            yield f"{path}: given {name!r}; allowed for {spec.task}: {', '.join(allowed)}"


def _slice_problems(spec: Spec) -> Iterator[str]:
    names = [column.name for column in spec.inputs]
    for name in spec.slices.columns:
        if name not in names:
            yield f"slices.columns: given {name!r}; allowed: {', '.join(names)}"
    if spec.gates.slices and not spec.slices.columns:
        yield "slices.columns: missing; gates.slices bounds each slice of these columns"
