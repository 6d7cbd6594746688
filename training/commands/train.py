"""The verb `train`: validate, search, export, evaluate, gate, register. Each can be skipped; nothing is done twice."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import mlflow

from service.bundle.manifest import Decision, read_manifest
from training.commands.arguments import SKIPPED, Options
from training.common import failures, places
from training.common.errors import GateFailed
from training.common.locks import training_alone
from training.common.progress import say
from training.common.provenance import derived, key
from training.data import sources
from training.registry import versions
from training.spec.values import Spec, find

# pylint: disable=import-outside-toplevel  # nothing changed is the common case, and shall be quick
if TYPE_CHECKING:
    from training.data.dataset import Dataset
    from training.judge.result import Facts


Status = Literal["trained", "unchanged", "not registered", "failed"]


class Outcome(NamedTuple):
    """What a training came to, for people and for `--json`."""

    model: str
    status: Status
    version: str
    run_id: str
    candidate: str
    metrics: dict[str, float]
    champion: dict[str, float]
    gates: list[dict[str, Any]]
    seconds: float
    #: When, by whom and why; such a version is not released.
    rejected: str = ""


class Prepared(NamedTuple):
    """The key of a training, and how to get its data: reading comes first, checking only when it is needed."""

    key: str
    make: Callable[[], Dataset]


def train(spec: Spec, client: mlflow.MlflowClient, options: Options) -> Outcome:
    """One version of one model, or the one that exists already."""
    started = time.monotonic()
    with training_alone(spec.name):
        prepared = _prepare(spec, client, options)
        there = versions.with_key(client, spec.name, prepared.key)
        if there is not None and not options.force and _stands(there, options):
            say(f"{spec.name}: unchanged, version {there.number}{_rejected(there)}")
            return _unchanged(client, there, time.monotonic() - started)
        try:
            facts = _trained(spec, client, options, prepared)
        except GateFailed as error:
            error.outcome = _outcome(error.facts, "failed", time.monotonic() - started)
            raise
    status: Status = "trained" if facts.version else "not registered"
    return _outcome(facts, status, time.monotonic() - started)


def _stands(there: versions.Version, options: Options) -> bool:
    """A version that failed its gates, and was registered all the same, passes none by being there."""
    return options.gate == "report" or there.tags.get("swarmline.gate") != "failed"


def _rejected(there: versions.Version) -> str:
    told = there.tags.get(versions.REJECTED, "")
    again = f"`make propose MODEL={there.model} VERSION={there.number}` offers it again"
    return f", rejected {told}; {again}, FORCE=true trains anew" if told else ""


def _key(spec: Spec, fingerprint: str, options: Options) -> str:
    """A training that left a step out is another one: it never stands for the whole."""
    whole = key(spec, fingerprint)
    if not options.skip:
        return whole
    return hashlib.sha256(f"{whole} without {sorted(options.skip)}".encode()).hexdigest()


def _trained(
    spec: Spec, client: mlflow.MlflowClient, options: Options, prepared: Prepared
) -> Facts:
    from training.commands import fitting
    from training.registry import register, runs

    with _run(client, spec) as (run_id, experiment_id):
        made = prepared.make()
        tags = {versions.KEY: prepared.key, SKIPPED: " ".join(sorted(options.skip))}
        runs.inputs(client, run_id, spec, made, tags)
        facts = fitting.facts_of(spec, made, client, options, prepared.key)._replace(run_id=run_id)
        versions.ping(client)
        runs.trials(client, run_id, experiment_id, facts.searched)
        runs.outputs(client, facts)
        fitting.report(facts)
        fitting.enforce(facts, options)
        if "register" not in options.skip and facts.compiled is not None:
            facts = register.register(client, facts)
            say(f"{spec.name}: registered version {facts.version} as challenger")
    return facts


@contextlib.contextmanager
def _run(client: mlflow.MlflowClient, spec: Spec) -> Iterator[tuple[str, str]]:
    """An MLflow run that ends as FAILED when anything inside fails."""
    experiment_id = versions.experiment(client, spec.name)
    run = mlflow.start_run(experiment_id=experiment_id, description=spec.description)
    try:
        if page := places.run_page(experiment_id, run.info.run_id):
            say(f"{spec.name}: {page}")
        yield run.info.run_id, experiment_id
    except failures.kinds():
        # MLflow itself may be what failed: it is told, if it hears, and the failure is not hidden by a second one.
        with versions.brief(seconds=1, retries=0), contextlib.suppress(*failures.kinds()):
            mlflow.end_run("FAILED")
        raise
    except BaseException:
        mlflow.end_run("FAILED")
        raise
    mlflow.end_run()


def _prepare(spec: Spec, client: mlflow.MlflowClient, options: Options) -> Prepared:
    if spec.task == "optimization":
        return _prepare_recipes(spec, client, options)
    frame = sources.read(spec)
    fingerprint = sources.fingerprint(frame)

    def make() -> Dataset:
        from training.commands import fitting

        return fitting.checked(spec, frame, fingerprint, options)

    return Prepared(_key(spec, fingerprint, options), make)


def _prepare_recipes(spec: Spec, client: mlflow.MlflowClient, options: Options) -> Prepared:
    """The objective's model comes first: trained now, or found unchanged."""
    assert spec.objective is not None  # `spec.load` refuses an optimization without one
    objective = find(spec.objective.model)
    outcome = train(objective, client, options._replace(force=False, skip=frozenset()))
    one = versions.version(client, objective.name, outcome.version)
    fingerprint = derived(one.tags[versions.KEY])

    def make() -> Dataset:
        from training.data import dataset
        from training.fit import recipes

        frame = sources.read(objective)
        rows = dataset.require(*dataset.check(objective, frame, sources.fingerprint(frame)))
        worth = recipes.Worth(
            spec, versions.bundle(client, one), recipes.typical_row(rows.contract, rows.matrix)
        )
        contexts = recipes.search_optima(spec, worth, recipes.sample_contexts(spec, rows.frame))
        return recipes.make(spec, contexts, fingerprint, worth)

    return Prepared(_key(spec, fingerprint, options), make)


def _outcome(facts: Facts, status: Status, seconds: float) -> Outcome:
    measured = facts.evaluation.metrics if facts.evaluation else {}
    decisions = facts.verdict.decisions if facts.verdict else ()
    values = {name: interval.value for name, interval in measured.items()}
    champion = facts.evaluation.champion if facts.evaluation else None
    return Outcome(
        facts.spec.name,
        status,
        facts.version,
        facts.run_id,
        facts.chosen.candidate,
        values,
        dict(champion or {}),
        _gates(decisions),
        round(seconds, 1),
    )


def _gates(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    return [
        {"rule": one.rule, "value": one.value, "bound": one.bound, "passed": one.passed}
        for one in decisions
    ]


def _unchanged(client: mlflow.MlflowClient, one: versions.Version, seconds: float) -> Outcome:
    """What was measured and decided when the version was trained."""
    run = client.get_run(one.run_id).data
    metrics = versions.held_out_metrics(client, one)
    champion = {
        name: run.metrics[f"champion.{name}"]
        for name in metrics
        if f"champion.{name}" in run.metrics
    }
    gates = _gates(read_manifest(versions.fetch(client, one)).gates)
    candidate = run.params.get("candidate", "")
    return Outcome(
        one.model,
        "unchanged",
        one.number,
        one.run_id,
        candidate,
        metrics,
        champion,
        gates,
        round(seconds, 1),
        one.tags.get(versions.REJECTED, ""),
    )
