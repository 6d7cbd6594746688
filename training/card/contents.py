"""The card's tables of what is known: data, contract, engine, search and lineage."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from service.bundle.contract import Column
from training.card import words
from training.common.html import number, plural
from training.judge.result import Facts

#: A category with more values than this is cut short in the contract's table.
MOST_CATEGORIES = 12
#: Lines whose value is made for machines.
CODES = (
    "Source",
    "Fingerprint",
    "Run",
    "Commit",
    "Data",
    "Locked dependencies",
    "Training code",
    "Key",
)


class Field(NamedTuple):
    """A line of the contract's table."""

    column: Column
    allowed: str
    seen: str
    example: str


def about_data(facts: Facts) -> list[tuple[str, str]]:
    dataset, data = facts.dataset, facts.spec.data
    source = dataset.report.source if dataset.report else data.source if data else ""
    lines = [
        (
            "Source",
            source
            or f"optima of the model {facts.spec.objective.model if facts.spec.objective else ''}",
        ),
        ("Period", words.period(facts)),
        ("Rows", f"{len(dataset.frame):,} usable" + _left_out(facts)),
        ("Held out", f"{len(dataset.split.held_out):,} rows, {words.split_in_words(facts)}"),
        ("Checks", _checks(facts)),
        ("Fingerprint", dataset.fingerprint),
    ]
    return [(name, value) for name, value in lines if value]


def _left_out(facts: Facts) -> str:
    report = facts.dataset.report
    missing = report.rows - len(facts.dataset.frame) if report else 0
    return f", {missing:,} left out because they break the contract" if missing else ""


def _checks(facts: Facts) -> str:
    report = facts.dataset.report
    if report is None:
        return ""
    found = "; ".join(
        f"{one.severity}: {one.column or 'all rows'} {one.message}" for one in report.violations
    )
    return f"{len(report.checked)} checks, {found or 'nothing found'}"


def field(facts: Facts, column: Column) -> Field:
    allowed = column.allowed.removesuffix(" or null")
    if len(column.categories) > MOST_CATEGORIES:
        shown = ", ".join(map(repr, column.categories[:MOST_CATEGORIES]))
        allowed = f"one of {shown} and {len(column.categories) - MOST_CATEGORIES} more"
    example = "" if column.sensitive else json.dumps(column.sample, ensure_ascii=False)
    return Field(column, allowed, _seen(facts, column), example)


def _seen(facts: Facts, column: Column) -> str:
    """What the training rows held; nothing that could give away a sensitive value."""
    if column.sensitive:
        return "not shown: sensitive"
    position = facts.dataset.contract.names.index(column.name)
    values = facts.dataset.matrix[facts.dataset.split.train, position]
    known = values[~np.isnan(values)].astype(np.float64)
    nulls = 1 - len(known) / max(len(values), 1)
    missing = f"{nulls:.1%} null" if nulls else ""
    return ", ".join(filter(None, [_range(column, known), missing]))


def _range(column: Column, known: np.ndarray[Any, Any]) -> str:
    if len(known) == 0 or column.type == "timestamp":
        return ""
    if column.type == "boolean":
        return f"true in {known.mean():.1%}"
    if column.type == "category":
        codes, counts = np.unique(known, return_counts=True)
        common = column.categories[int(codes[counts.argmax()])]
        return f"{len(codes)} of {len(column.categories)}, mostly {common}"
    low, middle, high = np.quantile(known, [0, 0.5, 1])
    return f"{low:.4g} to {high:.4g}, half below {middle:.4g}"


def about_engine(facts: Facts) -> list[tuple[str, str]]:
    compiled = facts.compiled
    if compiled is None:
        return []
    names = {"onnx": "ONNX Runtime (compiled)", "skops": "scikit-learn, read by skops"}
    lines = [
        ("Engine", names[compiled.engine_name]),
        ("Not compiled because", compiled.fallback),
        ("Equal to what was trained", str(compiled.equality)),
        ("Time for one row", f"{number(compiled.latency_ms)} ms (99th percentile)"),
        ("Size", f"{number(compiled.size_mb)} MB"),
    ]
    return [(name, value) for name, value in lines if value]


def best_trials(facts: Facts) -> list[tuple[str, str, str, str]]:
    """The best trial of each candidate, best first: name, score, spread, parameters."""
    lines = []
    for found in facts.searched.ranking:
        trials = [trial for trial in facts.searched.trials if trial.candidate == found.candidate]
        best = max(trials, key=lambda trial: trial.score, default=None)
        if best is not None:
            parameters = ", ".join(
                f"{key} {_short(value)}" for key, value in best.parameters.items()
            )
            lines.append((best.candidate, number(best.score), number(best.spread), parameters))
    return lines


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def about_lineage(facts: Facts) -> list[tuple[str, str]]:
    found = facts.lineage
    dirty = ", with changes that were not committed" if found.git_dirty else ""
    return [
        ("Version", facts.version or "not registered"),
        ("Run", facts.run_id or "not recorded"),
        ("Created", facts.created),
        ("Commit", found.git_commit + dirty),
        ("Data", facts.dataset.fingerprint),
        ("Locked dependencies", found.lock),
        ("Training code", found.code),
        ("Key", facts.key),
        ("Seed", str(facts.spec.search.seed)),
        ("Machine", found.machine),
        (
            "Search took",
            f"{facts.searched.seconds:.0f} s for {plural(len(facts.searched.trials), 'trial')}",
        ),
    ]
