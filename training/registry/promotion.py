"""Which version is champion, since when, by whom and why; and versions that are rejected, or proposed again.

A rejected version is challenger no more. A training that has it again unchanged says so and offers it to nobody;
`propose` takes the mark back. scripts/ledger/champions.py writes the same after a rollback.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import mlflow

from training.common.errors import RegistryError
from training.registry import tags, versions
from training.registry.client import experiment
from training.registry.versions import Version

#: The experiment whose runs are the promotions.
PROMOTIONS = "promotions"

#: Versions by alias, by model.
Exported = Mapping[str, Mapping[str, str]]


class Promotion(NamedTuple):
    """One move of `champion`."""

    at: str
    model: str
    version: str
    replaced: str
    by: str
    why: str


class Rejection(NamedTuple):
    """`reason` says when, by whom and why."""

    model: str
    version: str
    reason: str


def promote(client: mlflow.MlflowClient, model: str, which: str, by: str, why: str) -> Promotion:
    """Moves `champion`, and keeps who did it, when and why as a run of the experiment `promotions`."""
    version, aliases = versions.find(client, model, which), versions.aliases(client, model)
    promotion = Promotion(_now(), model, version.number, aliases.get("champion", ""), by, why)
    if promotion.replaced == version.number:
        raise RegistryError(f"{model}: version {version.number} is the champion already")
    client.set_registered_model_alias(model, "champion", version.number)
    if aliases.get("challenger") == version.number:
        client.delete_registered_model_alias(model, "challenger")
    clear_rejection(client, version)
    run = client.create_run(
        experiment(client, PROMOTIONS),
        run_name=f"{model} {version.number}",
        tags=dict(promotion._asdict()),
    )
    client.set_terminated(run.info.run_id)
    return promotion


def history(client: mlflow.MlflowClient, model: str) -> list[Promotion]:
    """Every champion there was, newest first."""
    runs = client.search_runs(
        [experiment(client, PROMOTIONS)],
        f"tags.model = '{model}'",
        max_results=1000,
        # `at` shows seconds; two promotions may share one.
        order_by=["attributes.start_time DESC"],
    )
    return [
        Promotion(**{field: run.data.tags.get(field, "") for field in Promotion._fields})
        for run in runs
    ]


def reject(client: mlflow.MlflowClient, model: str, which: str, by: str, why: str) -> Rejection:
    version, aliases = versions.find(client, model, which), versions.aliases(client, model)
    if aliases.get("champion") == version.number:
        raise RegistryError(
            f"{model}: version {version.number} is the champion, and serves; `make rollback` takes it back"
        )
    rejection = Rejection(model, version.number, f"{_now()} by {by}: {why}")
    client.set_model_version_tag(model, version.number, tags.REJECTED, rejection.reason)
    if aliases.get("challenger") == version.number:
        client.delete_registered_model_alias(model, "challenger")
    return rejection


def propose(client: mlflow.MlflowClient, model: str, which: str) -> Version:
    """Makes a version challenger, rejected or not."""
    version = versions.find(client, model, which)
    if versions.aliases(client, model).get("champion") == version.number:
        raise RegistryError(f"{model}: version {version.number} is the champion already")
    clear_rejection(client, version)
    client.set_registered_model_alias(model, "challenger", version.number)
    return version


def clear_rejection(client: mlflow.MlflowClient, version: Version) -> None:
    if tags.REJECTED in version.tags:
        client.delete_model_version_tag(version.model, version.number, tags.REJECTED)


def unreleased(client: mlflow.MlflowClient, exported: Exported) -> Iterator[tuple[str, str]]:
    """The versions that the exported bundles would have brought in anew."""
    for model, arms in exported.items():
        champion = versions.aliases(client, model).get("champion")
        for number in arms.values():
            if number != champion and not is_released(client, model, number):
                yield model, number


def is_released(client: mlflow.MlflowClient, model: str, number: str) -> bool:
    """Whether this challenger has served beside a champion."""
    return tags.RELEASED in versions.find(client, model, number).tags


def note_released(client: mlflow.MlflowClient, exported: Exported) -> None:
    """Remembers which challengers serve; champions are known by their alias."""
    for model, arms in exported.items():
        if "challenger" in arms:
            client.set_model_version_tag(model, arms["challenger"], tags.RELEASED, _now())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
