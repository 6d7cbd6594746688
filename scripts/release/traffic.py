"""Shares a model's requests between champion and challenger: a new traffic file, brought in replica by replica.

    python -m scripts.release.traffic MODEL --mode split|shadow|off [--share PERCENT] [--experiment NAME]

Exit codes: as deploy.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping
from typing import Any

from scripts.command.options import (
    NAME,
    NUMBER,
    Outside,
    choice,
    outcome_file,
    parsed,
    parser,
    waiting,
)
from scripts.command.outcome import Refused, finish, say
from scripts.engine import swarm
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release import detached
from scripts.release.order import Goal, Order
from scripts.release.rollout import carry_out
from scripts.stack_file import render

MODES = ("split", "shadow", "off")
Shares = dict[str, dict[str, Any]]


def written(shares: Shares) -> str:
    """As the service reads it."""
    lines = [render.NO_TRAFFIC] if not shares else []
    for model, about in sorted(shares.items()):
        lines += [f"[{json.dumps(model)}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in about.items()] + [""]
    return "\n".join(lines)


def of(record: Record | None) -> Shares:
    inputs = record.inputs if record else None
    return tomllib.loads(inputs.configs["TRAFFIC_CONFIG"]) if inputs else {}


def carried(serving: Record | None, document: Mapping[str, Any]) -> str:
    """The traffic that a new release starts with: a challenger keeps its share, a new one gets none yet."""
    kept: Shares = {}
    now = records.versions(document)
    was = records.versions(serving.document) if serving else {}
    for model, about in of(serving).items():
        challenger = now.get(model, {}).get("challenger")
        if challenger and challenger == was[model].get("challenger"):
            kept[model] = about
        elif about.get("mode") != "off":
            say(f"traffic of {model}: off, since this release has no such challenger any more")
    return written(kept)


def changed(
    serving: Record, model: str, mode: str, share: float | None, experiment: str | None
) -> str:
    """The traffic file with one model's part changed."""
    challengers = {
        name for name, arms in records.versions(serving.document).items() if len(arms) > 1
    }
    if model not in serving.document["models"]:
        known = ", ".join(serving.document["models"])
        raise Refused(f"release {serving.release} has no model {model}; it has {known}")
    if mode != "off" and model not in challengers:
        raise Refused(
            f"{model} has no challenger in release {serving.release}; those with one:"
            f" {', '.join(sorted(challengers)) or 'none'}"
        )
    shares = of(serving)
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
    return written(shares | {model: about})


def change(options: argparse.Namespace) -> dict[str, Any]:
    swarm.need_manager()
    subject = f"traffic of {options.model}"
    order = Order.of(options, "traffic", subject, lambda history: goal(options, history))
    return carry_out(order._replace(why=options.why or f"{options.model}: {options.mode}"))


def goal(options: argparse.Namespace, history: list[Record]) -> Goal:
    """The release that serves, with another share for one model."""
    unrecorded.refuse(swarm.look(options.stack), options.stack)
    serving = records.current(history)
    if serving is None or serving.inputs is None:
        raise Refused(f"stack {options.stack} has no release yet; `make deploy` brings one in")
    text = changed(serving, options.model, options.mode, options.share, options.experiment)
    configs = {**serving.inputs.configs, "TRAFFIC_CONFIG": text}
    return Goal(serving.intended, serving.inputs._replace(configs=configs))


def main(arguments: list[str] | None = None) -> int:
    made = waiting(parser("traffic", __doc__, 600.0), 15.0)
    made.add_argument(
        "model", nargs="?", default=Outside("MODEL", NAME, needed="the name of a model")
    )
    made.add_argument(
        "--mode",
        choices=MODES,
        default=Outside("MODE", choice(*MODES), needed="split, shadow or off"),
    )
    made.add_argument(
        "--share",
        type=float,
        default=Outside("SHARE", NUMBER),
        help="per cent of requests to the challenger",
    )
    made.add_argument("--experiment", help="another name deals subjects anew")
    options = parsed(made, arguments)
    return finish(
        lambda: detached.carried_out("traffic", lambda: change(options)),
        options.json,
        outcome_file(),
    )


if __name__ == "__main__":
    sys.exit(main())
