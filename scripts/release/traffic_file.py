"""The traffic file: how each model's requests are shared between its arms, as it is recorded with a release."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from scripts.command.outcome import Refused, say
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.stack_file import render

Shares = dict[str, dict[str, Any]]


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
