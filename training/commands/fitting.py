"""From rows to a judged model: check, search, export, evaluate, gate. Slow to import, so only when there is work."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import mlflow

from service.bundle.engines import predict_with
from training.card import page, words
from training.commands.arguments import Options
from training.common import places
from training.common.documents import pretty, write_whole
from training.common.errors import GateFailed, TrainingError
from training.common.progress import say
from training.common.provenance import lineage
from training.data import dataset
from training.data import report as validation_report
from training.data.dataset import Dataset
from training.fit.candidates import make_pipeline
from training.fit.compile import Compiled, compile_pipeline
from training.fit.search import Found, Searched, on_all_rows, search
from training.judge import evaluation as evaluate
from training.judge import gate, rivals
from training.judge.result import Facts
from training.registry import versions
from training.spec.values import Spec


def checked(spec: Spec, frame: Any, fingerprint: str, options: Options) -> Dataset:
    found, made = dataset.check(spec, frame, fingerprint)
    validation_report.write(found, places.reports() / spec.name)
    say(validation_report.text(found))
    if "validate" in options.skip and made is not None:
        return made
    return dataset.require(found, made)


def fit(spec: Spec, made: Dataset, options: Options) -> tuple[Searched, Found, Compiled | None]:
    """The best candidate that may be served, with all that was tried."""
    searched = _searched(spec, made, options)
    if "export" in options.skip:
        return searched, on_all_rows(spec, searched.ranking[0], *made.train), None
    folder = places.build() / "compiled" / spec.name
    for ranked in searched.ranking:
        found = on_all_rows(spec, ranked, *made.train)
        compiled = compile_pipeline(found.pipeline, made.held_out, folder)
        what = f"{found.candidate} ({spec.scoring} {found.score:.4f}) as {compiled.engine_name}"
        say(f"{spec.name}: {what}: {compiled.equality}")
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


def facts_of(
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
    facts = Facts(
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
    return facts._replace(drawn=tuple(page.render_plots(facts)))


def _evaluated(
    spec: Spec,
    made: Dataset,
    client: mlflow.MlflowClient,
    searched: Searched,
    chosen: Found,
    compiled: Compiled | None,
) -> evaluate.Evaluation:
    """On the engine that will serve, beside its rivals."""
    assert made.score is not None  # only `reproduce` makes a dataset that cannot be scored
    predict = (
        compiled.engine.predict
        if compiled
        else lambda matrix: predict_with(chosen.pipeline, matrix)
    )
    evaluation = evaluate.evaluate(spec, made.contract, made.held_out, predict, made.score)
    champion = versions.champion_bundle(client, spec.name)
    return evaluation._replace(rivals=rivals.rivals(spec, made, searched, chosen, champion))


def report(facts: Facts) -> None:
    """The card and the gate's verdict where a build page finds them."""
    folder = places.reports() / facts.spec.name
    write_whole(folder / "card.html", page.render(facts).encode())
    if facts.verdict is not None:
        write_whole(folder / "gate.json", pretty(facts.verdict.decisions))
        say(f"{facts.spec.name}: gate\n{gate.table(facts.verdict)}")
    for sentence in words.unbeaten(facts):
        say(f"{facts.spec.name}: {sentence}")


def enforce(facts: Facts, options: Options) -> None:
    if facts.verdict is None or facts.verdict.passed:
        return
    lines = [
        f"  {one.rule}: value {one.value:.4g}, bound {one.bound:.4g}"
        for one in facts.verdict.failed
    ]
    message = f"{facts.spec.name}: the gate failed, run {facts.run_id}\n" + "\n".join(lines)
    if options.gate != "report":
        raise GateFailed(message, facts)
    say(f"{message}\n  --gate report: registered all the same")
