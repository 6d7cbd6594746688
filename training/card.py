"""The model card: one HTML file that says what a model is for, how good it is, and where it comes from."""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup, escape

from service.bundle import Decision
from service.contract import Column, Encoder
from service.engines import predict_with
from training import card_words, drawing, plots
from training.facts import Facts
from training.metrics import METRICS
from training.pages import number, plural
from training.pages import render as render_page

ADDRESS = "http://127.0.0.1:8080"
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


class Verdict(NamedTuple):
    """The gates at a glance; `mood` is the colour's name in the style sheet."""

    mood: str
    headline: str
    detail: str


class Field(NamedTuple):
    """A line of the contract's table."""

    column: Column
    allowed: str
    seen: str
    example: str


class Measured(NamedTuple):
    """A line of the metrics' table: `others` are the linear baseline and the champion, with how they compare."""

    title: str
    value: str
    interval: str
    meaning: str
    others: tuple[tuple[str, str], ...]


class Drawn(NamedTuple):
    title: str
    caption: str
    svg: Markup
    wide: bool


def render_plots(facts: Facts) -> list[Drawn]:
    return [
        Drawn(
            plot.title,
            plot.caption,
            # Text inside was escaped by matplotlib; the label is escaped here.
            Markup(drawing.svg(plot.figure, plot.name, str(escape(plot.title)))),  # nosec B704
            plot.wide,
        )
        for plot in plots.plots(facts)
    ]


def render(facts: Facts) -> str:
    return render_page(
        "card.html",
        facts=facts,
        spec=facts.spec,
        does=card_words.TASKS[facts.spec.task],
        is_sample=card_words.is_sample(facts),
        verdict=verdict(facts),
        tiles=_tiles(facts),
        data=_data(facts),
        fields=[_field(facts, column) for column in facts.dataset.contract.columns],
        measured=_metrics(facts),
        others=_others(facts),
        deciding=plots.deciding(facts),
        plots=render_plots(facts),
        limits=list(card_words.limits(facts)),
        engine=_engine(facts),
        trials=_best_trials(facts),
        lineage=_lineage(facts),
        comparison=card_words.comparison(facts) if facts.evaluation else "",
        rows=card_words.rows(facts),
        codes=CODES,
        curl=_curl(facts),
        answer=_answer(facts),
    )


def verdict(facts: Facts) -> Verdict:
    if facts.verdict is None:
        return Verdict("warn", "Not judged", "The gates were skipped for this training.")
    rules = facts.verdict.decisions
    if not rules:
        return Verdict("warn", "Not judged", "The spec sets no gate.")
    failed = facts.verdict.failed
    if failed:
        listed = "; ".join(_as_sentence(decision) for decision in failed)
        return Verdict("bad", f"Failed {len(failed)} of {plural(len(rules), 'gate')}", listed)
    if len(rules) == 1:
        return Verdict("good", "Passed its one gate", "Good enough by the rule of its spec.")
    return Verdict(
        "good", f"Passed all {len(rules)} gates", "Good enough by every rule of its spec."
    )


def _as_sentence(decision: Decision) -> str:
    return f"{decision.rule}, but it is {number(decision.value, 4)}"


def _tiles(facts: Facts) -> list[tuple[str, str]]:
    """The few figures that everyone asks for first."""
    tiles = []
    if facts.evaluation is not None:
        judged = plots.deciding(facts)
        found = facts.evaluation.metrics[judged.name]
        tiles.append((card_words.value(judged.name, found.value), judged.title))
    tiles.append(
        (number(len(facts.dataset.split.train)), f"{card_words.rows(facts)} to learn from")
    )
    tiles.append(
        (
            number(len(facts.dataset.split.held_out)),
            f"{card_words.rows(facts)} held out to judge it",
        )
    )
    tiles.append((card_words.CANDIDATES[facts.chosen.candidate], "kind of model"))
    if facts.compiled is not None:
        tiles.append((f"{number(facts.compiled.latency_ms)} ms", "for one row, 99 of 100 times"))
    return tiles


def _data(facts: Facts) -> list[tuple[str, str]]:
    dataset, data = facts.dataset, facts.spec.data
    source = dataset.report.source if dataset.report else data.source if data else ""
    lines = [
        (
            "Source",
            source
            or f"optima of the model {facts.spec.objective.model if facts.spec.objective else ''}",
        ),
        ("Period", card_words.period(facts)),
        ("Rows", f"{len(dataset.frame):,} usable" + _left_out(facts)),
        ("Held out", f"{len(dataset.split.held_out):,} rows, {card_words.split_in_words(facts)}"),
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


def _field(facts: Facts, column: Column) -> Field:
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


def _others(facts: Facts) -> list[tuple[str, dict[str, float]]]:
    """The models that stand beside this one, by their heading."""
    if facts.evaluation is None:
        return []
    found = [("Linear model", facts.evaluation.baseline), ("Champion", facts.evaluation.champion)]
    return [(name, values) for name, values in found if values is not None]


def _metrics(facts: Facts) -> list[Measured]:
    if facts.evaluation is None:
        return []
    lines = []
    for one in METRICS[facts.spec.task]:
        found = facts.evaluation.metrics[one.name]
        others = tuple(
            (
                card_words.value(one.name, values[one.name]),
                card_words.better(facts, one.name, found.value, values[one.name]),
            )
            for _, values in _others(facts)
        )
        lines.append(
            Measured(
                one.title,
                card_words.value(one.name, found.value),
                f"{card_words.value(one.name, found.low)} to {card_words.value(one.name, found.high)}",
                card_words.meaning(facts, one.name, found.value),
                others,
            )
        )
    return lines


def _engine(facts: Facts) -> list[tuple[str, str]]:
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


def _best_trials(facts: Facts) -> list[tuple[str, str, str, str]]:
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


def _lineage(facts: Facts) -> list[tuple[str, str]]:
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


def _curl(facts: Facts) -> str:
    body = json.dumps({"rows": [facts.dataset.contract.example]}, ensure_ascii=False, indent=1)
    return (
        f"curl {ADDRESS}/v1/models/{facts.spec.name}/predict \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(body)}"
    )


def _answer(facts: Facts) -> str:
    """What comes back for the example, by this very model."""
    contract = facts.dataset.contract
    found = predict_with(facts.chosen.pipeline, Encoder(contract).encode_rows([contract.example]))
    document: dict[str, Any] = {
        "model": contract.model,
        "version": facts.version or "1",
        "arm": "champion",
        "request_id": "…",
    }
    if found.probabilities is not None:
        document["predictions"] = [contract.classes[int(found.values[0])]]
        document["probabilities"] = [[round(float(cell), 4) for cell in found.probabilities[0]]]
        document["classes"] = list(contract.classes)
    else:
        numbers = [float(f"{cell:.5g}") for cell in found.values[0]]
        document["predictions"] = [numbers if len(numbers) > 1 else numbers[0]]
    return json.dumps(document, ensure_ascii=False)
