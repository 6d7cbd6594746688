"""What each command does and prints. Imports stand inside, after the specs: `--help` and a bad spec need no MLflow."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from training.commands.arguments import Options
from training.common import failures, places
from training.common.documents import write_whole
from training.common.errors import (
    ContractViolated,
    GateFailed,
    Several,
    SpecError,
    TrainingError,
    Unavailable,
)
from training.common.progress import say
from training.spec.values import Spec, find, names

# pylint: disable=import-outside-toplevel


def _specs(given: argparse.Namespace) -> list[Spec]:
    """The named specs or all; what is derived from another model comes after it."""
    specs, problems = _readable_specs(given)
    if problems:
        raise Several(problems)
    return specs


def _readable_specs(given: argparse.Namespace) -> tuple[list[Spec], list[TrainingError]]:
    """Those that can be used, and what is wrong with the others."""
    specs: list[Spec] = []
    problems: list[TrainingError] = []
    for name in given.models or names():
        try:
            specs.append(find(name))
        except SpecError as error:
            problems.append(error)
    return sorted(specs, key=lambda spec: spec.task == "optimization"), problems


def _answer(given: argparse.Namespace, document: Any, text: str) -> None:
    """One JSON document, or lines for people."""
    if given.json:
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    elif text:
        print(text)


def _client() -> Any:
    from training.registry import versions

    return versions.connect()


def validate(given: argparse.Namespace) -> None:
    specs = _specs(given)
    from training.data import dataset
    from training.data import report as validation_report
    from training.data import sources

    documents, broken = [], []
    for spec in specs:
        if spec.data is None:
            say(
                f"{spec.name}: makes its own data from {spec.objective.model if spec.objective else 'a model'}"
            )
            continue
        frame = sources.read(spec)
        report, _ = dataset.check(spec, frame, sources.fingerprint(frame))
        places_ = validation_report.write(report, places.reports() / spec.name)
        say(validation_report.text(report))
        documents.append(
            {
                "model": spec.name,
                "ok": not report.errors,
                "reports": {k: str(v) for k, v in places_.items()},
            }
        )
        broken += [spec.name] if report.errors else []
    _answer(given, documents, "")
    if broken:
        raise ContractViolated(
            f"the data of {', '.join(broken)} breaks the contract; see {places.reports()}"
        )


def train(given: argparse.Namespace) -> None:
    specs, problems = _readable_specs(given)
    if problems and not specs:
        raise Several(problems)
    if given.promote and not (problems or given.force or given.skip) and _is_served(given, specs):
        return
    from training.commands import outcome as candidates

    client = _client()
    options = Options(given.cluster, given.gate, frozenset(given.skip), given.force)
    outcomes, failed = [], dict[str, TrainingError]()
    for spec in specs:
        try:
            outcome = _trained(spec, client, options, failed)
        except GateFailed as error:
            failed[spec.name], outcome = error, error.outcome
        except TrainingError as error:
            failed[spec.name], outcome = error, None
        if outcome is not None:
            outcomes.append(outcome)
            candidates.record(outcome._asdict())
        if isinstance(failed.get(spec.name), Unavailable):
            break
    lines = [_outcome_line(outcome) for outcome in outcomes]
    if outcomes:
        _answer(given, [outcome._asdict() for outcome in outcomes], "\n".join(lines))
    later = GateFailed if given.gate == "later" else ()
    problems += [error for error in failed.values() if not isinstance(error, later)]
    if problems:
        raise Several(problems)
    if given.promote:
        _promote_and_export(client, [outcome.model for outcome in outcomes], given)


def _trained(spec: Spec, client: Any, options: Options, failed: dict[str, TrainingError]) -> Any:
    """What a training came to. A recipe is not searched with a model that just failed."""
    from training.commands import train as verb

    objective = spec.objective.model if spec.objective else ""
    if objective in failed:
        kind = GateFailed if isinstance(failed[objective], GateFailed) else TrainingError
        raise kind(f"{spec.name}: not trained, since {objective}, which it searches, failed")
    try:
        return verb.train(spec, client, options)
    except failures.kinds() as error:
        raise failures.explained(error) from error


def _is_served(given: argparse.Namespace, specs: list[Spec]) -> bool:
    """Whether all of it was trained, promoted and exported before: then MLflow, slow to import, is not asked."""
    from training.commands import settled

    outcomes = settled.outcomes(specs, whole=not given.models)
    for outcome in outcomes:
        say(f"{outcome['model']}: unchanged, version {outcome['version']}")
    if outcomes:
        _answer(given, outcomes, "")
    return bool(outcomes)


def _promote_and_export(client: Any, trained: list[str], given: argparse.Namespace) -> None:
    """What `make run` does after training, in the same process: MLflow is slow to import."""
    from training.commands import settled
    from training.registry import exported, versions

    for model in trained:
        if "challenger" in versions.aliases(client, model):
            moved = versions.promote(client, model, "challenger", getpass.getuser(), given.promote)
            say(f"{model}: champion {moved.replaced or '-'} -> {moved.version}")
    exported.export(client, trained, whole=not given.models)
    settled.note()


def _outcome_line(outcome: Any) -> str:
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in outcome.metrics.items())
    version = f" version {outcome.version}" if outcome.version else ""
    version += f", rejected {outcome.rejected}" if outcome.rejected else ""
    return f"{outcome.model}: {outcome.status}{version} ({outcome.candidate}; {metrics}) in {outcome.seconds:.1f} s"


def compare(given: argparse.Namespace) -> None:
    specs = _specs(given)
    from training.registry import versions

    client = _client()
    found = {spec.name: versions.comparison(client, spec.name) for spec in specs}
    lines = []
    for model, rows in found.items():
        lines.append(f"{model}")
        for row in rows:
            metrics = "  ".join(f"{name} {value:.4f}" for name, value in row["metrics"].items())
            made = f"{row['tags'].get('swarmline.git_commit', '')[:10]}  {row['tags'].get('swarmline.engine', '')}"
            lines.append(f"  {row['version']:>4}  {row['alias']:<10}  {metrics}  {made}")
        if not rows:
            lines.append("  no version yet; `make train` makes one")
    _answer(given, found, "\n".join(lines))


def history(given: argparse.Namespace) -> None:
    specs = _specs(given)
    from training.registry import versions

    client = _client()
    found = [one for spec in specs for one in versions.history(client, spec.name)]
    lines = [
        f"{one.at}  {one.model}  {one.replaced or '-'} -> {one.version}  by {one.by}: {one.why}"
        for one in found
    ]
    _answer(given, [one._asdict() for one in found], "\n".join(lines) or "no champion yet")


def gate(given: argparse.Namespace) -> None:
    judged = [spec.name for spec in _specs(given)]
    from training.commands import outcome as candidates

    text = candidates.judge(judged)
    _answer(given, candidates.recorded(judged), text)


def models(given: argparse.Namespace) -> None:
    found = [spec.name for spec in _specs(given)]
    _answer(given, found, "\n".join(found))


def export(given: argparse.Namespace) -> None:
    wanted = [spec.name for spec in _specs(given)]
    from training.commands import outcome as candidates
    from training.registry import exported as bundles

    release = candidates.to_release(wanted) if given.release else {}
    exported = bundles.export(_client(), wanted, release, whole=not given.models)
    lines = [
        f"{places.bundles() / model / number}  {name}"
        for model, named in exported.items()
        for name, number in named.items()
    ]
    _answer(given, exported, "\n".join(lines))


def promote(given: argparse.Namespace) -> None:
    specs = _specs(given)
    from training.registry import exported as bundles
    from training.registry import promotion, versions

    client = _client()
    exported = bundles.read() if given.exported else {}
    moved = []
    for spec in specs:
        version, pointed = given.version, versions.aliases(client, spec.name)
        if given.exported:
            version = exported.get(spec.name, {}).get("champion", "")
            if version in ("", pointed.get("champion")):
                continue
        elif given.if_any and version not in pointed:
            continue
        moved.append(versions.promote(client, spec.name, version, given.by, given.why))
    promotion.note_released(client, exported)
    lines = [f"{one.model}: champion {one.replaced or '-'} -> {one.version}" for one in moved]
    _answer(given, [one._asdict() for one in moved], "\n".join(lines))


def reject(given: argparse.Namespace) -> None:
    named = [spec.name for spec in _specs(given)]
    from training.commands import outcome as candidates
    from training.registry import exported as bundles
    from training.registry import promotion, versions

    client = _client()
    if given.exported:
        meant = list(promotion.unreleased(client, bundles.read()))
    else:
        meant = [(one, given.version) for one in named]
        if not given.models:
            meant = [pair for pair in meant if given.version in versions.aliases(client, pair[0])]
    done = [promotion.reject(client, *pair, given.by, given.why) for pair in meant]
    for one in done:
        candidates.note_rejected(*one)
    lines = [f"{one.model}: version {one.version} rejected {one.told}" for one in done]
    _answer(given, [one._asdict() for one in done], "\n".join(lines) or "nothing to reject")


def propose(given: argparse.Namespace) -> None:
    from training.registry import promotion

    one = promotion.propose(_client(), find(given.model).name, given.version)
    _answer(given, one._asdict(), f"{one.model}: version {one.number} is challenger")


def card(given: argparse.Namespace) -> None:
    from training.registry import versions

    client = _client()
    page = (
        versions.fetch(client, versions.version(client, given.model, given.version)) / "card.html"
    )
    target = places.reports() / given.model / "card.html"
    write_whole(target, page.read_bytes())
    _answer(given, {"card": str(target)}, str(target))


def reproduce(given: argparse.Namespace) -> None:
    from training.commands import reproduce as verb

    found = verb.reproduce(_client(), given.model, given.version, Options())
    text = f"{found.model} {found.version}: reproduced on {found.rows} rows, largest difference {found.largest:.1e}"
    _answer(given, found._asdict(), text)


def draft(given: argparse.Namespace) -> None:
    from training.data.draft import write_draft

    path = write_draft(given.source, given.target, given.name, Path(given.folder))
    print(path)
    say(f"{path}: read it and correct it, then `make validate MODEL={path.stem}`")


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    command.__name__: command
    for command in (
        validate,
        train,
        gate,
        models,
        compare,
        history,
        export,
        promote,
        reject,
        propose,
        card,
        reproduce,
        draft,
    )
}
