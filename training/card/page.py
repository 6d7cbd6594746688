"""The model card: one HTML file: what a model is for, how good it is, where it comes from."""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from service.bundle.encoder import Encoder
from service.bundle.engines import predict_with
from service.bundle.manifest import Decision
from training.card import contents, plots, style, words
from training.common.html import number, plural
from training.common.html import render as render_page
from training.judge.result import Facts
from training.metrics.tasks import METRICS

ADDRESS = "http://127.0.0.1:8080"


class Verdict(NamedTuple):
    """The gates at a glance; `mood` is the colour's name in the style sheet."""

    mood: str
    headline: str
    detail: str


class Beside(NamedTuple):
    """A rival's value, and how it compares with the model's."""

    title: str
    value: str
    compared: str


class Measured(NamedTuple):
    """A line of the metrics' table."""

    title: str
    value: str
    interval: str
    meaning: str
    rivals: tuple[Beside, ...]


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
            Markup(style.svg(plot.figure, plot.name, str(escape(plot.title)))),  # nosec B704
            plot.wide,
        )
        for plot in plots.plots(facts)
    ]


def render(facts: Facts) -> str:
    return render_page(
        "card/card.html",
        facts=facts,
        spec=facts.spec,
        does=words.TASKS[facts.spec.task],
        is_sample=words.is_sample(facts),
        verdict=verdict(facts),
        tiles=_tiles(facts),
        data=contents.about_data(facts),
        fields=[contents.field(facts, column) for column in facts.dataset.contract.columns],
        measured=_metrics(facts),
        deciding=plots.deciding(facts),
        plots=facts.drawn or render_plots(facts),
        limits=list(words.limits(facts)),
        engine=contents.about_engine(facts),
        trials=contents.best_trials(facts),
        lineage=contents.about_lineage(facts),
        comparison=words.comparison(facts) if facts.evaluation else "",
        rows=words.rows(facts),
        codes=contents.CODES,
        curl=_curl(facts),
        answer=_answer(facts),
    )


def verdict(facts: Facts) -> Verdict:
    """Passed gates are no praise for a model that something simpler equals."""
    judged, unbeaten = _of_gates(facts), " ".join(words.unbeaten(facts))
    if not unbeaten:
        return judged
    if judged.mood == "good":
        headline = f"{judged.headline}, but is no better than something simpler"
        return Verdict("warn", headline, unbeaten)
    return judged._replace(detail=f"{judged.detail.removesuffix('.')}. {unbeaten}")


def _of_gates(facts: Facts) -> Verdict:
    if facts.verdict is None:
        return Verdict("warn", "Not judged", "The gates were skipped for this training.")
    rules = facts.verdict.decisions
    if not rules:
        return Verdict("warn", "Not judged", "The spec sets no gate.")
    failed = facts.verdict.failed
    if failed:
        listed = "; ".join(_as_sentence(decision) for decision in failed)
        return Verdict("bad", f"Failed {len(failed)} of {plural(len(rules), 'gate')}", listed)
    rule = "the rule" if len(rules) == 1 else "every rule"
    headline = "Passed its one gate" if len(rules) == 1 else f"Passed all {len(rules)} gates"
    better = facts.evaluation and facts.evaluation.simpler
    beaten = ", and better than something simpler" if better else ""
    return Verdict("good", headline, f"Good enough by {rule} of its spec{beaten}.")


def _as_sentence(decision: Decision) -> str:
    reason = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.rule}, but it is {number(decision.value, 4)}{reason}"


def _tiles(facts: Facts) -> list[tuple[str, str]]:
    """The few figures that everyone asks for first."""
    tiles = []
    if facts.evaluation is not None:
        judged = plots.deciding(facts)
        found = facts.evaluation.metrics[judged.name]
        tiles.append((words.shown(judged.name, found.value), judged.title))
    tiles.append((number(len(facts.dataset.split.train)), f"{words.rows(facts)} to learn from"))
    tiles.append(
        (
            number(len(facts.dataset.split.held_out)),
            f"{words.rows(facts)} held out to judge it",
        )
    )
    tiles.append((words.CANDIDATES[facts.chosen.candidate], "kind of model"))
    if facts.compiled is not None:
        tiles.append((f"{number(facts.compiled.latency_ms)} ms", "for one row, 99 of 100 times"))
    return tiles


def _metrics(facts: Facts) -> list[Measured]:
    if facts.evaluation is None:
        return []
    lines = []
    for one in METRICS[facts.spec.task]:
        found = facts.evaluation.metrics[one.name]
        rivals = tuple(
            Beside(
                words.RIVALS[rival.name],
                words.shown(one.name, rival.metrics[one.name]),
                words.better(facts, one.name, found.value, rival.metrics[one.name]),
            )
            for rival in facts.evaluation.rivals
        )
        lines.append(
            Measured(
                one.title,
                words.shown(one.name, found.value),
                " to ".join(words.shown(one.name, end) for end in (found.low, found.high)),
                words.meaning(facts, one.name, found.value),
                rivals,
            )
        )
    return lines


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
