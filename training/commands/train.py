"""The steps of a training: one version of one model, or the one that it has already. And the command `train`."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.commands import outcome as outcomes
from training.commands import settled
from training.commands.arguments import Options, answer, readable_specs
from training.commands.outcome import Status, TrainingOutcome
from training.commands.source import Optima, Rows
from training.common import failures, state
from training.common.errors import GateFailed, Several, TrainingError, Unavailable
from training.common.files import pretty, write_whole
from training.common.progress import say
from training.common.provenance import provenance
from training.common.run_key import run_key
from training.fit.imported.source import key_of_own
from training.registry import tags
from training.spec.load import find
from training.spec.values import Spec

# pylint: disable=import-outside-toplevel  # MLflow and scikit-learn are slow to import, and often nothing changed
if TYPE_CHECKING:
    import mlflow

    from training.judge.result import TrainingResult
    from training.registry.versions import Version


def train_model(spec: Spec, client: mlflow.MlflowClient, options: Options) -> TrainingOutcome:
    """Nothing is done twice: a version with the same key is the outcome. Where an objective failed, its outcome is."""
    from training.fit.candidates.resolve import resolve_own_code
    from training.registry import imports, versions

    started = time.monotonic()
    with state.training_lock(spec.name):
        source: Rows | Optima
        if spec.objective is None:
            resolve_own_code(spec)
            imports.fetch(spec)
            source = Rows.read(spec)
        else:
            objective = find(spec.objective.model)
            whole = options._replace(force=False, skip=frozenset())
            outcome = train_model(objective, client, whole)
            if outcome.status == "failed":
                return outcome
            source = Optima(
                objective, client, versions.find(client, objective.name, outcome.version)
            )
        key = _key(spec, source.fingerprint, options)
        version = versions.with_key(client, spec.name, key)
        if version is not None and not options.force and _stands(version, options):
            say(f"{spec.name}: unchanged, version {version.number}{_rejected(version)}")
            return outcomes.of_unchanged(client, version, time.monotonic() - started)
        result = _train_anew(spec, client, options, source, key)
    return outcomes.of_result(result, _status(result, options), time.monotonic() - started)


def _train_anew(
    spec: Spec, client: mlflow.MlflowClient, options: Options, source: Rows | Optima, key: str
) -> TrainingResult:
    """Every step of a training, in its order."""
    # pylint: disable=too-many-locals  # the rooms that do the steps are half of them
    from training.card.page import render
    from training.card.plots import draw
    from training.fit.fit import fit
    from training.judge.evaluation import evaluate
    from training.judge.gate import judge
    from training.judge.result import TrainingResult
    from training.registry import runs, versions
    from training.registry.client import ping
    from training.registry.register import register

    evaluation = verdict = None
    with runs.started(client, spec) as run:
        dataset = source.dataset(spec, options)
        runs.log_inputs(run, spec, dataset, key, sorted(options.skip))
        fitted = fit(
            spec,
            dataset,
            searching=options.does("search"),
            compiling=options.does("export"),
            cluster=options.cluster,
        )
        dataset = dataset.deciding_by(fitted.finished.threshold)
        if options.does("evaluate"):
            champion = versions.champion_bundle(client, spec)
            evaluation = evaluate(spec, dataset, fitted, champion)
        if evaluation is not None and options.does("gate"):
            verdict = judge(spec, evaluation, fitted.compiled)
        origin, created = provenance(), dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        result = TrainingResult(
            spec, dataset, fitted, evaluation, verdict, origin, key, created, run.run_id
        )
        plots = draw(result)
        card = render(result, plots)
        ping(client)
        runs.log_trials(run, fitted.search)
        runs.log_result(run, result, plots, card)
        _report(result, card, options)
        if _status(result, options) == "failed":
            runs.end_as_failed()
            return result
        if options.does("register") and fitted.compiled is not None:
            result = register(client, result, plots)
            say(f"{spec.name}: registered version {result.version} as challenger")
    return result


def _key(spec: Spec, fingerprint: str, options: Options) -> str:
    """A training that left a step out is another one: it never stands for the whole."""
    whole = run_key(spec, fingerprint, provenance(), key_of_own(spec))
    if not options.skip:
        return whole
    return hashlib.sha256(f"{whole} without {sorted(options.skip)}".encode()).hexdigest()


def _stands(version: Version, options: Options) -> bool:
    """Whether a version is as good as a new one: not if its gates failed, and it was registered all the same."""
    return options.gate == "report" or version.tags.get(tags.GATE) != "failed"


def _rejected(version: Version) -> str:
    reason = version.tags.get(tags.REJECTED, "")
    again = f"`make propose MODEL={version.model} VERSION={version.number}` offers it again"
    return f", rejected {reason}; {again}, FORCE=true trains anew" if reason else ""


def _report(result: TrainingResult, card: str, options: Options) -> None:
    """The card and the gate's verdict where a build page looks for them."""
    from training.card.comparison import unbeaten
    from training.judge.gate import table

    name, verdict = result.spec.name, result.verdict
    folder = state.reports() / name
    write_whole(folder / "card.html", card.encode())
    if verdict is not None:
        write_whole(folder / "gate.json", pretty(verdict.decisions))
        say(f"{name}: gate\n{table(verdict.decisions)}")
    for sentence in unbeaten(result):
        say(f"{name}: {sentence}")
    if verdict is not None and not verdict.passed and options.gate == "report":
        text = outcomes.failure(name, result.run_id, verdict.failed)
        say(f"{text}\n  --gate report: registered all the same")


def _status(result: TrainingResult, options: Options) -> Status:
    if result.version:
        return "trained"
    refused = result.verdict is not None and not result.verdict.passed
    return "failed" if refused and options.gate != "report" else "not registered"


def train(arguments: Namespace) -> None:
    """Each model for itself: one that fails does not stop the others, but MLflow or a disk that fails does."""
    specs, problems = readable_specs(arguments)
    if problems and not specs:
        raise Several(problems)
    asked = problems or arguments.force or arguments.skip
    if arguments.promote and not asked and _is_settled(arguments, specs):
        return
    from training.registry.client import connect

    client = connect()
    options = Options(arguments.cluster, arguments.gate, frozenset(arguments.skip), arguments.force)
    trained, failed = _train_each(specs, client, options)
    if trained:
        answer(arguments, trained, "\n".join(map(outcomes.line, trained)))
    later = GateFailed if arguments.gate == "later" else ()
    problems += [error for error in failed.values() if not isinstance(error, later)]
    if problems:
        raise Several(problems)
    if arguments.promote:
        names = [outcome.model for outcome in trained]
        _promote_and_export(client, [spec for spec in specs if spec.name in names], arguments)


def _is_settled(arguments: Namespace, specs: Sequence[Spec]) -> bool:
    """Whether all of it was trained, promoted and exported before: then MLflow, slow to import, is not asked."""
    last = settled.outcomes(specs, whole=not arguments.models)
    for outcome in last:
        say(f"{outcome.model}: unchanged, version {outcome.version}")
    if last:
        answer(arguments, last, "")
    return bool(last)


def _train_each(
    specs: Sequence[Spec], client: mlflow.MlflowClient, options: Options
) -> tuple[list[TrainingOutcome], dict[str, TrainingError]]:
    trained: list[TrainingOutcome] = []
    failed: dict[str, TrainingError] = {}
    for spec in specs:
        try:
            _refuse_without_objective(spec, failed)
            outcome = train_model(spec, client, options)
        except TrainingError as error:
            failed[spec.name] = error
        except failures.kinds() as error:
            failed[spec.name] = failures.explained(error)
        else:
            trained.append(outcome)
            outcomes.record(outcome)
            if outcome.status == "failed":
                failed[spec.name] = GateFailed(
                    outcomes.failure(outcome.model, outcome.run_id, outcome.gates)
                )
        if isinstance(failed.get(spec.name), Unavailable):
            break
    return trained, failed


def _refuse_without_objective(spec: Spec, failed: dict[str, TrainingError]) -> None:
    """A recipe is not searched with a model that just failed."""
    objective = spec.objective.model if spec.objective else ""
    if objective in failed:
        kind = GateFailed if isinstance(failed[objective], GateFailed) else TrainingError
        raise kind(f"{spec.name}: not trained, since {objective}, which it searches, failed")


def _promote_and_export(
    client: mlflow.MlflowClient, specs: list[Spec], arguments: Namespace
) -> None:
    """The second half of `make run`, in the same process: MLflow is slow to import."""
    from training.registry import export, promotion, versions

    for model in (spec.name for spec in specs):
        if "challenger" in versions.aliases(client, model):
            user, why = getpass.getuser(), arguments.promote
            move = promotion.promote(client, model, "challenger", user, why)
            say(f"{model}: champion {move.replaced or '-'} -> {move.version}")
    export.export(client, specs, whole=not arguments.models)
    settled.note()
