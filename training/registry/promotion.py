"""Versions that are not to be released: marked with who said so and why, and challenger no more.

A training that finds such a version unchanged tells of it and offers it to nobody; `propose` takes the mark back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import mlflow

from training.common.errors import RegistryError
from training.registry import versions
from training.registry.versions import REJECTED

#: A challenger that has served beside its champion: refusing another release takes nothing from it.
RELEASED = "swarmline.released"

Exported = Mapping[str, Mapping[str, str]]


class Rejection(NamedTuple):
    model: str
    version: str
    told: str


def reject(client: mlflow.MlflowClient, model: str, which: str, by: str, why: str) -> Rejection:
    one, pointed = versions.version(client, model, which), versions.aliases(client, model)
    if pointed.get("champion") == one.number:
        raise RegistryError(
            f"{model}: version {one.number} is the champion, and serves; `make rollback` takes it back"
        )
    told = f"{_now()} by {by}: {why}"
    client.set_model_version_tag(model, one.number, REJECTED, told)
    if pointed.get("challenger") == one.number:
        client.delete_registered_model_alias(model, "challenger")
    return Rejection(model, one.number, told)


def propose(client: mlflow.MlflowClient, model: str, which: str) -> versions.Version:
    """Makes a version challenger, rejected or not."""
    one = versions.version(client, model, which)
    if versions.aliases(client, model).get("champion") == one.number:
        raise RegistryError(f"{model}: version {one.number} is the champion already")
    versions.forgive(client, one)
    client.set_registered_model_alias(model, "challenger", one.number)
    return one


def unreleased(client: mlflow.MlflowClient, exported: Exported) -> Iterator[tuple[str, str]]:
    """What exported bundles would have brought in anew."""
    for model, arms in exported.items():
        champion = versions.aliases(client, model).get("champion")
        for number in arms.values():
            if number != champion and not is_released(client, model, number):
                yield model, number


def is_released(client: mlflow.MlflowClient, model: str, number: str) -> bool:
    """Whether this challenger has served beside a champion."""
    return RELEASED in versions.version(client, model, number).tags


def note_released(client: mlflow.MlflowClient, exported: Exported) -> None:
    """Remembers which challengers serve; champions are known by their alias."""
    for model, arms in exported.items():
        if "challenger" in arms:
            client.set_model_version_tag(model, arms["challenger"], RELEASED, _now())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
