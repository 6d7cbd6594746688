"""The commands about versions: compare, history, export, promote, reject, propose, card."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import mlflow

from training.commands import outcome
from training.commands.arguments import answer, specs_of
from training.common import state
from training.common.files import write_whole
from training.registry import export as exported_set
from training.registry import promotion, tags, versions
from training.registry.client import connect
from training.spec.load import find


def compare(arguments: Namespace) -> None:
    specs, client = specs_of(arguments), connect()
    compared = {spec.name: versions.comparison(client, spec.name) for spec in specs}
    lines = []
    for model, rows in compared.items():
        lines += [model, *map(_line, rows)]
        if not rows:
            lines.append("  no version yet; `make train` makes one")
    answer(arguments, compared, "\n".join(lines))


def _line(row: dict[str, Any]) -> str:
    metrics = "  ".join(f"{name} {value:.4f}" for name, value in row["metrics"].items())
    commit, engine = (row["tags"].get(tag, "") for tag in (tags.GIT_COMMIT, tags.ENGINE))
    return f"  {row['version']:>4}  {row['alias']:<10}  {metrics}  {commit[:10]}  {engine}"


def history(arguments: Namespace) -> None:
    specs, client = specs_of(arguments), connect()
    moves = [move for spec in specs for move in promotion.history(client, spec.name)]
    lines = [
        f"{move.at}  {move.model}  {move.replaced or '-'} -> {move.version}  by {move.by}: {move.why}"
        for move in moves
    ]
    answer(arguments, [move._asdict() for move in moves], "\n".join(lines) or "no champion yet")


def export(arguments: Namespace) -> None:
    specs = specs_of(arguments)
    release = outcome.to_release([spec.name for spec in specs]) if arguments.release else {}
    exported = exported_set.export(connect(), specs, release, whole=not arguments.models)
    lines = [
        f"{state.bundles() / model / number}  {name}"
        for model, named in exported.items()
        for name, number in named.items()
    ]
    answer(arguments, exported, "\n".join(lines))


def promote(arguments: Namespace) -> None:
    models, client = [spec.name for spec in specs_of(arguments)], connect()
    exported = exported_set.read() if arguments.exported else {}
    moves = [
        promotion.promote(client, model, which, arguments.by, arguments.why)
        for model, which in _to_promote(client, models, exported, arguments)
    ]
    promotion.note_released(client, exported)
    lines = [f"{move.model}: champion {move.replaced or '-'} -> {move.version}" for move in moves]
    answer(arguments, [move._asdict() for move in moves], "\n".join(lines))


def _to_promote(
    client: mlflow.MlflowClient,
    models: list[str],
    exported: promotion.Exported,
    arguments: Namespace,
) -> Iterator[tuple[str, str]]:
    """Each model with the version that becomes champion: the named one, or what is exported as that."""
    for model in models:
        aliases = versions.aliases(client, model)
        if arguments.exported:
            number = exported.get(model, {}).get("champion", "")
            if number not in ("", aliases.get("champion")):
                yield model, number
        elif arguments.version in aliases or not arguments.if_any:
            yield model, arguments.version


def reject(arguments: Namespace) -> None:
    models, client = [spec.name for spec in specs_of(arguments)], connect()
    rejections = [
        promotion.reject(client, model, which, arguments.by, arguments.why)
        for model, which in _to_reject(client, models, arguments)
    ]
    for rejection in rejections:
        outcome.note_rejected(*rejection)
    lines = [f"{each.model}: version {each.version} rejected {each.reason}" for each in rejections]
    document = [each._asdict() for each in rejections]
    answer(arguments, document, "\n".join(lines) or "nothing to reject")


def _to_reject(
    client: mlflow.MlflowClient, models: list[str], arguments: Namespace
) -> list[tuple[str, str]]:
    """What the exported set would have released; else the named version of each model, of all where they have it."""
    if arguments.exported:
        return list(promotion.unreleased(client, exported_set.read()))
    return [
        (model, arguments.version)
        for model in models
        if arguments.models or arguments.version in versions.aliases(client, model)
    ]


def propose(arguments: Namespace) -> None:
    version = promotion.propose(connect(), find(arguments.model).name, arguments.version)
    text = f"{version.model}: version {version.number} is challenger"
    answer(arguments, version._asdict(), text)


def card(arguments: Namespace) -> None:
    client = connect()
    version = versions.find(client, arguments.model, arguments.version)
    page = versions.fetch(client, version) / "card.html"
    target = state.reports() / arguments.model / "card.html"
    write_whole(target, page.read_bytes())
    answer(arguments, {"card": str(target)}, str(target))
