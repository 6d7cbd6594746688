"""The traffic file: how each model's requests are shared between its arms, as it is recorded with a release."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from scripts.command.outcome import Refused, say
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.stack_file import render
from scripts.stack_file.render import StackInputs

Shares = dict[str, dict[str, Any]]


class Answering(NamedTuple):
    """A challenger that answers all callers of its model, whose champion is another version until one is promoted."""

    model: str
    champion: str
    challenger: str


def to_toml(shares: Shares) -> str:
    """As the service reads it."""
    lines = [render.NO_TRAFFIC] if not shares else []
    for model, about in sorted(shares.items()):
        lines += [f"[{json.dumps(model)}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in about.items()] + [""]
    return "\n".join(lines)


def traffic_of(record: Record | None) -> Shares:
    inputs = record.inputs if record else None
    return tomllib.loads(inputs.configs["TRAFFIC_CONFIG"]) if inputs else {}


def challengers_with_all_callers(record: Record | None) -> list[Answering]:
    arms = records.versions(record.document) if record else {}
    return [
        Answering(model, arms[model]["champion"], arms[model]["challenger"])
        for model, about in traffic_of(record).items()
        if about.get("mode") == "split"
        and about.get("share", 0) >= 1
        and "challenger" in arms.get(model, {})
    ]


def taken_back(record: Record) -> StackInputs | None:
    """The record's inputs for going back to it. A challenger that had all callers was on its way to champion, and the
    version from which one goes back: it gets none.
    """
    models = [answering.model for answering in challengers_with_all_callers(record)]
    if not models or record.inputs is None:
        return record.inputs
    shares = traffic_of(record)
    without = {model: shares[model] | {"mode": "off", "share": 0.0} for model in models}
    configs = {**record.inputs.configs, "TRAFFIC_CONFIG": to_toml(shares | without)}
    return record.inputs._replace(configs=configs)


def carry_over(serving: Record | None, document: Mapping[str, Any]) -> str:
    """The traffic that a new release starts with: a challenger keeps its share, a new one gets none yet."""
    shares: Shares = {}
    new = records.versions(document)
    old = records.versions(serving.document) if serving else {}
    for model, about in traffic_of(serving).items():
        challenger = new.get(model, {}).get("challenger")
        if challenger and challenger == old[model].get("challenger"):
            shares[model] = about
        elif about.get("mode") != "off":
            say(f"traffic of {model}: off, since this release has no such challenger any more")
    return to_toml(shares)


def change(
    serving: Record, model: str, mode: str, share: float | None, experiment: str | None
) -> str:
    """The traffic file with one model's part changed."""
    challengers = {
        name for name, arms in records.versions(serving.document).items() if len(arms) > 1
    }
    if model not in serving.document["models"]:
        models = ", ".join(serving.document["models"])
        raise Refused(f"release {serving.release} has no model {model}; it has {models}")
    if mode != "off" and model not in challengers:
        raise Refused(
            f"{model} has no challenger in release {serving.release}; those with one:"
            f" {', '.join(sorted(challengers)) or 'none'}"
        )
    shares = traffic_of(serving)
    about: dict[str, Any] = (
        {"share": 0.0, "experiment": ""} | shares.get(model, {}) | {"mode": mode}
    )
    if share is not None:
        about["share"] = share / 100
    if experiment is not None:
        about["experiment"] = experiment
    if not 0 <= about["share"] <= 1:
        raise Refused(f"--share is {share}; it must be from 0 to 100, per cent of the requests")
    if mode == "split" and not about["share"]:
        raise Refused("--mode split needs a --share above 0")
    return to_toml(shares | {model: about})
