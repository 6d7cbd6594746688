"""What a model promises beside its answer, in sentences: calibrated probabilities, a threshold, an interval."""

from __future__ import annotations

from collections.abc import Iterator

from service.bundle.contract import Threshold
from training.judge.result import TrainingResult
from training.metrics.classification import confusion
from training.metrics.metric import Scored


def promises(result: TrainingResult) -> Iterator[str]:
    """What the threshold, the calibration and the interval were chosen for, and what came of it on held-out rows."""
    contract, evaluation = result.dataset.contract, result.evaluation
    scored = evaluation.scored if evaluation else None
    if result.spec.target.calibrate:
        yield (
            f"Its probabilities are calibrated ({result.spec.target.calibrate}) on training rows that it did not learn"
            " from; the picture shows them before and after."
        )
    if contract.threshold is not None:
        yield _about_threshold(contract.threshold, scored)
    if contract.levels and scored is not None:
        meant = contract.levels[-1] - contract.levels[0]
        inside = evaluation.metrics["coverage"].value if evaluation else float("nan")
        yield (
            f"Its interval, from {contract.outputs[1].name} to {contract.outputs[-1].name}, is meant to hold"
            f" {meant:.0%} of the truth; of the held-out rows it held {inside:.1%}."
        )


def _about_threshold(threshold: Threshold, scored: Scored | None) -> str:
    text = f"It answers {threshold.positive} from a probability of {threshold.value:.3g} on, "
    if threshold.goal.startswith("set to"):
        text += "as its spec says."
    else:
        text += f"chosen for {threshold.goal} on training rows that it did not learn from."
    if scored is None:
        return text
    table = confusion(scored, 2)
    hits, true, called = table[1, 1], table[1].sum(), table[:, 1].sum()
    return (
        f"{text} Of the held-out rows it names {called / table.sum():.1%}: it finds"
        f" {hits / max(true, 1):.1%} of {threshold.positive}, and is right in {hits / max(called, 1):.1%}."
    )
