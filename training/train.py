"""The verb `train`: validate, search, export, evaluate, gate, register. Each can be skipped; nothing is done twice."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import mlflow

from service.engines import predict_with
from training import (
    card,
    data,
    dataset,
    evaluate,
    gate,
    places,
    recipes,
    record,
    registry,
    validation_report,
)
from training.dataset import Dataset
from training.errors import GateFailed, TrainingError
from training.estimators import make_pipeline
from training.export import Compiled, compile_pipeline, pretty
from training.facts import Facts
from training.lineage import key, lineage
from training.progress import say
from training.search import Found, Searched, search
from training.spec import Spec, find


class Options(NamedTuple):
    cluster: str = ""
    gate: Literal["enforce", "report"] = "enforce"
    skip: frozenset[str] = frozenset()
    force: bool = False


class Outcome(NamedTuple):
    """What a training came to, for people and for `--json`."""

    model: str
    status: Literal["trained", "unchanged", "not registered"]
    version: str
    run_id: str
    candidate: str
    metrics: dict[str, float]
    gates: list[dict[str, Any]]
    seconds: float


class Prepared(NamedTuple):
    """The key of a training, and how to get its data: reading comes first, checking only when it is needed."""

    key: str
    make: Callable[[], Dataset]


def train(spec: Spec, client: mlflow.MlflowClient, options: Options) -> Outcome:
    """One version of one model, or the one that exists already."""
    started = time.monotonic()
    with _alone(spec.name):
        prepared = _prepare(spec, client, options)
        there = registry.with_key(client, spec.name, prepared.key)
        if there is not None and not options.force:
            say(f"{spec.name}: unchanged, version {there.number}")
            return _unchanged(client, there, time.monotonic() - started)
        with _run(client, spec) as (run_id, experiment_id):
            made = prepared.make()
            record.inputs(client, run_id, spec, made, prepared.key)
            facts = _facts(spec, made, client, options, prepared.key)._replace(run_id=run_id)
            record.trials(client, run_id, experiment_id, facts.searched)
            record.outputs(client, facts)
            _report(facts)
            _enforce(facts, options)
            if "register" not in options.skip and facts.compiled is not None:
                facts = record.register(client, facts)
                say(f"{spec.name}: registered version {facts.version} as challenger")
    return _outcome(facts, time.monotonic() - started)


@contextlib.contextmanager
def _alone(model: str) -> Iterator[None]:
    """One training of a model at a time on this machine: the second finds what the first one made."""
    path = places.build() / "locks" / model
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{model}: another training of it is running; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _run(client: mlflow.MlflowClient, spec: Spec) -> Iterator[tuple[str, str]]:
    """An MLflow run that ends as FAILED when anything inside fails."""
    experiment_id = registry.experiment(client, spec.name)
    with mlflow.start_run(experiment_id=experiment_id, description=spec.description) as run:
        yield run.info.run_id, experiment_id


def _prepare(spec: Spec, client: mlflow.MlflowClient, options: Options) -> Prepared:
    if spec.task == "optimization":
        return _prepare_recipes(spec, client, options)
    frame = data.read(spec)
    fingerprint = data.fingerprint(frame)
    return Prepared(key(spec, fingerprint), lambda: _checked(spec, frame, fingerprint, options))


def _checked(spec: Spec, frame: Any, fingerprint: str, options: Options) -> Dataset:
    found, made = dataset.check(spec, frame, fingerprint)
    validation_report.write(found, places.reports() / spec.name)
    say(validation_report.text(found))
    if "validate" in options.skip and made is not None:
        return made
    return dataset.require(found, made)


def _prepare_recipes(spec: Spec, client: mlflow.MlflowClient, options: Options) -> Prepared:
    """The objective's model comes first: trained now, or found unchanged."""
    assert (
        spec.objective is not None
    )  # nosec B101 - `spec.load` refuses an optimization without one
    objective = find(spec.objective.model)
    outcome = train(objective, client, options._replace(force=False, skip=frozenset()))
    one = registry.version(client, objective.name, outcome.version)
    fingerprint = hashlib.sha256(f"{one.tags[registry.KEY]}".encode()).hexdigest()

    def make() -> Dataset:
        frame = data.read(objective)
        rows = dataset.require(*dataset.check(objective, frame, data.fingerprint(frame)))
        worth = recipes.Worth(
            spec, registry.bundle(client, one), recipes.typical_row(rows.contract, rows.matrix)
        )
        contexts = recipes.search_optima(spec, worth, recipes.sample_contexts(spec, rows.frame))
        return recipes.make(spec, contexts, fingerprint, worth)

    return Prepared(key(spec, fingerprint), make)


def fit(spec: Spec, made: Dataset, options: Options) -> tuple[Searched, Found, Compiled | None]:
    """The best candidate that may be served, with all that was tried."""
    searched = _searched(spec, made, options)
    if "export" in options.skip:
        return searched, searched.ranking[0], None
    folder = places.build() / "compiled" / spec.name
    for found in searched.ranking:
        compiled = compile_pipeline(found.pipeline, made.held_out, folder)
        say(
            f"{spec.name}: {found.candidate} ({spec.scoring} {found.score:.4f}) as {compiled.engine_name}: {compiled.equality}"
        )
        if compiled.fallback:
            say(
                f"{spec.name}: {found.candidate} is not served by ONNX Runtime: {compiled.fallback}"
            )
        if compiled.engine_name == "onnx" or spec.search.engine == "any":
            return searched, found, compiled
    raise TrainingError(
        f"{spec.name}: no candidate compiles to ONNX; set search.engine = 'any' to serve one with skops, "
        "or name other search.candidates"
    )


def _searched(spec: Spec, made: Dataset, options: Options) -> Searched:
    if "search" not in options.skip:
        return search(spec, made.contract, *made.train, options.cluster)
    started, name = time.monotonic(), spec.search.candidates[0]
    pipeline = make_pipeline(name, made.contract, spec.search.seed).fit(*made.train)
    return Searched((), (Found(name, pipeline, float("nan")),), time.monotonic() - started)


def _facts(
    spec: Spec, made: Dataset, client: mlflow.MlflowClient, options: Options, training_key: str
) -> Facts:
    searched, chosen, compiled = fit(spec, made, options)
    evaluation = None
    if "evaluate" not in options.skip:
        evaluation = _evaluated(spec, made, client, searched, chosen, compiled)
    verdict = None
    if evaluation is not None and "gate" not in options.skip:
        verdict = gate.judge(spec, evaluation, compiled)
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Facts(
        spec,
        made,
        searched,
        chosen,
        compiled,
        evaluation,
        verdict,
        lineage(),
        training_key,
        created,
    )


def _evaluated(
    spec: Spec,
    made: Dataset,
    client: mlflow.MlflowClient,
    searched: Searched,
    chosen: Found,
    compiled: Compiled | None,
) -> evaluate.Evaluation:
    """On the engine that will serve; the linear baseline and the champion on the same rows."""
    assert (
        made.score is not None
    )  # nosec B101 - only `reproduce` makes a dataset that cannot be scored
    rows, score = made.held_out, made.score
    predict = (
        compiled.engine.predict
        if compiled
        else lambda matrix: predict_with(chosen.pipeline, matrix)
    )
    evaluation = evaluate.evaluate(spec, made.contract, rows, predict, score)
    linear = searched.of("linear")
    if linear is not None:
        baseline = evaluate.measure(
            spec.task, rows, lambda matrix: predict_with(linear.pipeline, matrix), score
        )
        evaluation = evaluation._replace(baseline=baseline)
    champion = registry.champion_bundle(client, spec.name)
    if champion is not None and _takes(champion.contract, made):
        encoded = dataset.encode(champion.contract, made.held_out_frame())
        measured = evaluate.measure(spec.task, encoded, champion.predict, score)
        evaluation = evaluation._replace(champion=measured)
    return evaluation


def _takes(contract: Any, made: Dataset) -> bool:
    """Whether a model of another contract can answer for these rows: same columns, same classes, all values allowed."""
    if contract.classes != made.contract.classes or contract.outputs != made.contract.outputs:
        return False
    if not set(contract.names) <= set(made.frame.columns):
        return False
    try:
        dataset.encode(contract, made.held_out_frame())
    except ValueError:
        return False
    return True


def _report(facts: Facts) -> None:
    """The card and the gate's verdict where a build page finds them."""
    folder = places.reports() / facts.spec.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.html").write_text(card.render(facts), encoding="utf-8")
    if facts.verdict is not None:
        (folder / "gate.json").write_bytes(pretty(facts.verdict.decisions))
        say(f"{facts.spec.name}: gate\n{gate.table(facts.verdict)}")


def _enforce(facts: Facts, options: Options) -> None:
    if facts.verdict is None or facts.verdict.passed:
        return
    lines = [
        f"  {one.rule}: value {one.value:.4g}, bound {one.bound:.4g}"
        for one in facts.verdict.failed
    ]
    message = f"{facts.spec.name}: the gate failed, run {facts.run_id}\n" + "\n".join(lines)
    if options.gate == "enforce":
        raise GateFailed(message)
    say(f"{message}\n  --gate report: registered all the same")


def _outcome(facts: Facts, seconds: float) -> Outcome:
    measured = facts.evaluation.metrics if facts.evaluation else {}
    decisions = facts.verdict.decisions if facts.verdict else ()
    gates = [
        {"rule": one.rule, "value": one.value, "bound": one.bound, "passed": one.passed}
        for one in decisions
    ]
    status: Literal["trained", "not registered"] = "trained" if facts.version else "not registered"
    values = {name: interval.value for name, interval in measured.items()}
    return Outcome(
        facts.spec.name,
        status,
        facts.version,
        facts.run_id,
        facts.chosen.candidate,
        values,
        gates,
        round(seconds, 1),
    )


def _unchanged(client: mlflow.MlflowClient, one: registry.Version, seconds: float) -> Outcome:
    candidate = client.get_run(one.run_id).data.params.get("candidate", "")
    metrics = registry.held_out_metrics(client, one)
    return Outcome(
        one.model, "unchanged", one.number, one.run_id, candidate, metrics, [], round(seconds, 1)
    )
