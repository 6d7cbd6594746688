"""The outcome of the last training of each model, kept beside its card; and the command `gate`.

A gate, a release and the mail about a build read it.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from service.bundle.manifest import Decision, read_manifest
from training.commands.arguments import answer, specs_of
from training.common import state
from training.common.errors import GateFailed, TrainingError
from training.common.files import pretty, write_whole
from training.registry import tags

if TYPE_CHECKING:
    import mlflow

    from training.judge.result import TrainingResult
    from training.registry.versions import Version

FILE = "training.json"
Status = Literal["trained", "unchanged", "not registered", "failed"]


class TrainingOutcome(msgspec.Struct, frozen=True):
    """The outcome of a training, for people and for `--json`; a metric that cannot be computed is null there."""

    model: str
    status: Status
    version: str
    run_id: str
    candidate: str
    metrics: dict[str, float | None]
    champion: dict[str, float | None]
    gates: tuple[Decision, ...]
    seconds: float
    #: When, by whom and why; such a version is not released.
    rejected: str = ""

    @property
    def passed(self) -> bool:
        return all(decision.passed for decision in self.gates)


def of_result(result: TrainingResult, status: Status, seconds: float) -> TrainingOutcome:
    evaluation, verdict = result.evaluation, result.verdict
    measured = evaluation.metrics if evaluation else {}
    champion = evaluation.champion if evaluation else None
    return TrainingOutcome(
        result.spec.name,
        status,
        result.version,
        result.run_id,
        result.fitted.chosen.candidate,
        {name: interval.value for name, interval in measured.items()},
        {**(champion or {})},
        verdict.decisions if verdict else (),
        round(seconds, 1),
    )


def of_unchanged(client: mlflow.MlflowClient, version: Version, seconds: float) -> TrainingOutcome:
    """As it was measured and decided when the version was trained."""
    from training.registry import versions  # pylint: disable=import-outside-toplevel

    run = client.get_run(version.run_id).data
    metrics = versions.held_out_metrics(client, version)
    champions = {name: run.metrics.get(f"champion.{name}") for name in metrics}
    return TrainingOutcome(
        version.model,
        "unchanged",
        version.number,
        version.run_id,
        run.params.get("candidate", ""),
        {**metrics},
        {name: value for name, value in champions.items() if value is not None},
        tuple(read_manifest(versions.fetch(client, version)).gates),
        round(seconds, 1),
        version.tags.get(tags.REJECTED, ""),
    )


def record(outcome: TrainingOutcome) -> None:
    write_whole(state.reports() / outcome.model / FILE, pretty(outcome))


def recorded(models: Iterable[str]) -> list[TrainingOutcome]:
    """The outcomes of those models that were trained, or were unchanged, since the reports were cleared."""
    paths = [state.reports() / model / FILE for model in models]
    return [
        msgspec.json.decode(path.read_bytes(), type=TrainingOutcome)
        for path in paths
        if path.is_file()
    ]


def gate(arguments: Namespace) -> None:
    """Every rule that was applied to the candidates; GateFailed where one did not hold."""
    models = [spec.name for spec in specs_of(arguments)]
    outcomes = recorded(models)
    lines = [line for outcome in outcomes for line in _lines(outcome)]
    failed = [
        f"  {outcome.model}: {_rule(decision)}"
        for outcome in outcomes
        for decision in outcome.gates
        if not decision.passed
    ]
    if failed:
        raise GateFailed("\n".join([*lines, "the gate failed:", *failed]))
    missing = set(models) - {outcome.model for outcome in outcomes}
    if missing:
        raise TrainingError(
            f"{', '.join(sorted(missing))}: no candidate here; `make train GATE=later` makes it"
        )
    answer(arguments, outcomes, "\n".join(lines))


def _lines(outcome: TrainingOutcome) -> Iterator[str]:
    version = f"version {outcome.version}" if outcome.version else f"run {outcome.run_id}"
    rejected = f", rejected {outcome.rejected}" if outcome.rejected else ""
    yield f"{outcome.model}: {version}, {outcome.status}{rejected}"
    for decision in outcome.gates:
        yield f"  {'pass' if decision.passed else 'FAIL'}  {_rule(decision)}"


def _rule(decision: Decision) -> str:
    value, bound = (
        "-" if number is None else f"{number:.6g}" for number in (decision.value, decision.bound)
    )
    return f"{decision.rule}: value {value}, bound {bound}"


def failure(model: str, run_id: str, decisions: Iterable[Decision]) -> str:
    """The rules that a training broke."""
    lines = [f"  {_rule(decision)}" for decision in decisions if not decision.passed]
    return "\n".join([f"{model}: the gate failed, run {run_id}", *lines])


def line(outcome: TrainingOutcome) -> str:
    metrics = ", ".join(f"{name} {_short(value)}" for name, value in outcome.metrics.items())
    version = f" version {outcome.version}" if outcome.version else ""
    version += f", rejected {outcome.rejected}" if outcome.rejected else ""
    return f"{outcome.model}: {outcome.status}{version} ({outcome.candidate}; {metrics}) in {outcome.seconds:.1f} s"


def _short(value: float | None) -> str:
    return "nan" if value is None else f"{value:.4g}"


def to_release(models: Iterable[str]) -> dict[str, str]:
    """The version of each candidate that passed, and that nobody rejected."""
    return {
        outcome.model: outcome.version
        for outcome in recorded(models)
        if outcome.passed and outcome.version and not outcome.rejected
    }


def note_rejected(model: str, version: str, reason: str) -> None:
    """In the outcome too, so that whoever reads of the candidate reads of this."""
    for outcome in recorded([model]):
        if outcome.version == version:
            record(msgspec.structs.replace(outcome, rejected=reason))
