"""The exported set: bundles with an alias, where the service reads them. Each export writes it whole, or nothing.

With them go the rules of the monitor, as the specs have them today; to MLflow too, where a monitor finds them that has
no exported set.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import mlflow

from service.bundle.exported import ALIASES, ARMS, Aliases, read_aliases
from service.bundle.manifest import MANIFEST, BundleError, read_manifest
from service.bundle.monitor_rules import MONITOR_RULES, RULES_ARTIFACT, MonitorRules
from training.common import state
from training.common.errors import ExportError
from training.common.files import pretty, recover, replace_folder
from training.common.progress import say
from training.registry import promotion, tags, versions
from training.spec.values import Spec

#: A model and one of its versions.
Pair = tuple[str, str]
#: By model.
Rules = Mapping[str, MonitorRules]


class Plan(NamedTuple):
    """The versions to export by their alias, and why a model has none."""

    aliases: Aliases
    lacking: dict[str, str]


def export(
    client: mlflow.MlflowClient,
    specs: Sequence[Spec],
    release: Mapping[str, str] | None = None,
    whole: bool = False,
) -> Aliases:
    """Champions and challengers of these models, merged into the set; `whole` if these are all models that there are.

    With `release` ({model: version}), that challenger is written to aliases.json as champion: MLflow's alias follows
    once it serves. One that serves beside its champion already stays there.
    """
    rules = {spec.name: spec.monitor_rules for spec in specs}
    models = tuple(rules)
    with state.lock(".export", "another export is running; waiting for it"):
        plan = _plan(client, models, release or {})
        if plan.lacking and not (whole and plan.aliases):
            raise ExportError("\n".join(f"{name}: {why}" for name, why in plan.lacking.items()))
        for name, why in plan.lacking.items():
            say(f"left out: {name} {why}")
        root = state.bundles()
        recover(root)
        others = {} if whole else _others(models)
        sources = {pair: root.joinpath(*pair) for pair in _pairs(others)}
        sources |= _fetch(client, plan.aliases, rules)
        removed = _lying(root) - sources.keys()
        write(root, {**others, **plan.aliases}, sources, rules)
        if others:
            say(f"as exported before: {', '.join(sorted(others))}")
        for model, version in sorted(removed):
            say(f"removed: {model} {version}, {_reason(model, plan, whole)}")
        _tidy(plan.aliases)
    return plan.aliases


def read() -> Aliases:
    """Which version of each model the exported set has as champion and as challenger."""
    try:
        return read_aliases(state.bundles())
    except BundleError as error:
        raise ExportError(str(error)) from error


def _plan(client: mlflow.MlflowClient, models: Sequence[str], release: Mapping[str, str]) -> Plan:
    plan = Plan({}, {})
    for model in models:
        pointed: Mapping[str, str] = versions.aliases(client, model)
        if pointed.get("challenger", "") == release.get(model):
            pointed = _released(client, model, pointed)
        arms = {arm: pointed[arm] for arm in ARMS if arm in pointed}
        if arms.get("challenger") == arms.get("champion"):
            arms.pop("challenger", None)
        if "champion" in arms:
            plan.aliases[model] = arms
        else:
            plan.lacking[model] = _nothing_to_export(client, model, arms)
    return plan


def _released(
    client: mlflow.MlflowClient, model: str, pointed: Mapping[str, str]
) -> Mapping[str, str]:
    """The candidate in its champion's place, unless it serves beside it: from there only a promotion takes it."""
    challenger = pointed["challenger"]
    if "champion" in pointed and promotion.is_released(client, model, challenger):
        say(
            f"{model}: version {challenger} serves beside its champion, and stays there;"
            f" `make promote MODEL={model} WHY='the reason'` makes it champion"
        )
        return pointed
    return {"champion": challenger}


def _nothing_to_export(client: mlflow.MlflowClient, model: str, arms: Mapping[str, str]) -> str:
    if arms:
        return (
            f"has no champion, and nobody promoted version {arms['challenger']};"
            f" `make promote MODEL={model} WHY='the reason'` does"
        )
    for version in versions.newest_first(client, model):
        if tags.REJECTED in version.tags:
            return (
                f"has no champion, and version {version.number} was rejected {version.tags[tags.REJECTED]};"
                f" `make propose MODEL={model} VERSION={version.number}` offers it again, FORCE=true trains anew"
            )
    return "has neither champion nor challenger; `make train` makes one"


def _fetch(client: mlflow.MlflowClient, aliases: Aliases, rules: Rules) -> dict[Pair, Path]:
    """The bundles, of which MLflow learns by which rules they are watched from now on."""
    registered = {pair: versions.find(client, *pair) for pair in _pairs(aliases)}
    folders = {pair: versions.fetch(client, version) for pair, version in registered.items()}
    for (model, _), version in registered.items():
        client.log_text(version.run_id, pretty(rules[model]).decode(), RULES_ARTIFACT)
    return folders


def _others(models: Sequence[str]) -> Aliases:
    """The other models of the exported set, held against their manifests."""
    root = state.bundles()
    if not (root / ALIASES).is_file():
        return {}
    try:
        others = {name: arms for name, arms in read_aliases(root).items() if name not in models}
        for pair in _pairs(others):
            read_manifest(root.joinpath(*pair))
    except BundleError as error:
        raise ExportError(f"{error}: without MODEL, it writes all models anew") from error
    return others


def _pairs(aliases: Aliases) -> Iterator[Pair]:
    return ((model, version) for model, arms in aliases.items() for version in arms.values())


def _lying(root: Path) -> set[Pair]:
    return {(path.parts[-3], path.parts[-2]) for path in root.glob(f"[!.]*/[!.]*/{MANIFEST}")}


def _reason(model: str, plan: Plan, whole: bool) -> str:
    if whole and model not in plan.aliases and model not in plan.lacking:
        return "since there is no spec of it any more"
    return "since no alias names it"


def write(
    root: Path, aliases: Aliases, sources: Mapping[Pair, Path], rules: Rules | None = None
) -> None:
    """Writes the set anew, each bundle from its source, and the aliases beside them.

    A model without rules here keeps those that lie beside its bundle.
    """

    def fill(folder: Path) -> None:
        for (model, version), source in sources.items():
            shutil.copytree(source, folder / model / version)
            if rules and model in rules:
                (folder / model / version / MONITOR_RULES).write_bytes(pretty(rules[model]))
        (folder / ALIASES).write_bytes(pretty(aliases))

    try:
        replace_folder(root, fill)
    except OSError as error:
        raise ExportError(
            f"{root} cannot be written anew ({error.strerror or error}), and is as before; SWARMLINE_BUNDLES must"
            " name a folder whose parent can be written to, and where nothing is mounted"
        ) from error


def _tidy(aliases: Aliases) -> None:
    """Removes local copies of versions without an alias: MLflow has them."""
    for model, arms in aliases.items():
        for path in (state.trained() / model).glob("[!.]*"):
            if path.name not in arms.values():
                shutil.rmtree(path, ignore_errors=True)
