"""The model beside its rivals in words, and the verdict that stands on top of the card."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from service.bundle.manifest import Decision
from training.common.numbers import number, plural
from training.judge.result import TrainingResult
from training.judge.rivals import Rival
from training.metrics.metric import Metric
from training.metrics.tasks import METRICS


class Headline(NamedTuple):
    """The gates at a glance; `mood` is the colour's name in the style sheet."""

    mood: str
    headline: str
    detail: str


def headline(result: TrainingResult) -> Headline:
    """Passed gates are no praise for a model that something simpler equals."""
    judged, unbeaten_ = _of_gates(result), " ".join(unbeaten(result))
    if not unbeaten_:
        return judged
    if judged.mood == "good":
        text = f"{judged.headline}, but is no better than something simpler"
        return Headline("warn", text, unbeaten_)
    return judged._replace(detail=f"{judged.detail.removesuffix('.')}. {unbeaten_}")


def _of_gates(result: TrainingResult) -> Headline:
    if result.verdict is None:
        return Headline("warn", "Not judged", "The gates were skipped for this training.")
    rules, failed = result.verdict.decisions, result.verdict.failed
    if not rules:
        return Headline("warn", "Not judged", "The spec sets no gate.")
    if failed:
        listed = "; ".join(_sentence(decision) for decision in failed)
        return Headline("bad", f"Failed {len(failed)} of {plural(len(rules), 'gate')}", listed)
    rule = "the rule" if len(rules) == 1 else "every rule"
    text = "Passed its one gate" if len(rules) == 1 else f"Passed all {len(rules)} gates"
    better = result.evaluation and result.evaluation.simpler
    beaten = ", and better than something simpler" if better else ""
    return Headline("good", text, f"Good enough by {rule} of its spec{beaten}.")


def _sentence(decision: Decision) -> str:
    reason = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.rule}, but it is {number(decision.value, 4)}{reason}"


def unbeaten(result: TrainingResult) -> list[str]:
    """A sentence for each simpler rival that is as good by a figure on which the model is judged."""
    rivals = result.evaluation.simpler if result.evaluation else ()
    as_good = {rival.subject: "; ".join(_as_good(result, rival)) for rival in rivals}
    return [
        f"{subject} does as well or better: {figures}."
        for subject, figures in as_good.items()
        if figures
    ]


def _as_good(result: TrainingResult, rival: Rival) -> Iterator[str]:
    assert result.evaluation is not None  # it has rivals
    for metric in _judged_by(result):
        if metric.name not in rival.metrics:
            continue
        own, other = result.evaluation.metrics[metric.name].value, rival.metrics[metric.name]
        if metric.compared(own, other) != "worse":
            yield f"{metric.short_title} {metric.shown(other)}, this model {metric.shown(own)}"


def _judged_by(result: TrainingResult) -> list[Metric]:
    """The deciding metric, those of the gates, and what everyone asks of a classifier.

    Of an optimization the deciding one alone: convergence is the search's, the same for whatever was distilled from it.
    """
    spec = result.spec
    names = {spec.deciding.name}
    if spec.task != "optimization":
        names |= {*spec.gates.metrics, "accuracy"}
    return [metric for metric in METRICS[spec.task] if metric.name in names]


def how_to_read(result: TrainingResult) -> str:
    """What the columns beside the model's own are."""
    if result.evaluation is None:
        return ""
    names = [rival.subject for rival in result.evaluation.simpler]
    sentences = []
    if names:
        simple = " and ".join([names[0], *(name.lower() for name in names[1:])])
        sentences.append(f"{simple}: that is what a model has to beat to be worth having.")
    if result.fitted.chosen.candidate == "linear":
        sentences.append("This model is the linear one itself.")
    if result.evaluation.champion:
        sentences.append("The champion is the version in use when this one was trained.")
    if result.evaluation.rivals:
        sentences.append("Better or worse is said of them, beside this model, on the same rows.")
    if not result.evaluation.champion:
        sentences.append("There was no champion to compare with.")
    return " ".join(sentences)
