"""Shares a model's requests between champion and challenger: a new traffic file, brought in replica by replica.

    python -m scripts.release traffic MODEL --mode split|shadow|off [--share PERCENT] [--experiment NAME]
                                            [--only-for CHAMPION,CHALLENGER]

With `--only-for` it is refused once other versions than these serve. Exit codes: as deploy.
"""

from __future__ import annotations

import argparse
from typing import Any

from outside.values import NAME, NUMBER, Outside, choice
from scripts.command.options import add_rollout, parsed, parser
from scripts.command.outcome import Refused
from scripts.detached import process
from scripts.engine import swarm
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release import traffic_file
from scripts.rollout.order import Goal, Order
from scripts.rollout.rollout import carry_out

MODES = ("split", "shadow", "off")


def change_traffic(options: argparse.Namespace) -> dict[str, Any]:
    swarm.need_manager()
    subject = f"traffic of {options.model}"
    order = Order.of(options, "traffic", subject, lambda history: goal(options, history))
    return carry_out(order._replace(why=options.why or f"{options.model}: {options.mode}"))


def goal(options: argparse.Namespace, history: list[Record]) -> Goal:
    """The release that serves, with another share for one model."""
    unrecorded.refuse(swarm.look(options.stack), options.stack)
    serving = records.need_serving(options.stack, history)
    if options.only_for:
        _need_versions(serving, options.model, options.only_for)
    text = traffic_file.change(
        serving, options.model, options.mode, options.share, options.experiment
    )
    inputs = serving.deployed_with
    configs = {**inputs.configs, "TRAFFIC_CONFIG": text}
    return Goal(serving.as_release, inputs._replace(configs=configs))


def _need_versions(serving: Record, model: str, wanted: str) -> None:
    """Whoever gives a share because of what two versions did means these two."""
    arms = records.versions(serving.document).get(model, {})
    served = ",".join(arms.get(arm, "none") for arm in ("champion", "challenger"))
    if served != wanted:
        raise Refused(
            f"release {serving.release} serves champion and challenger {served} of {model}, and not {wanted}"
        )


def main(arguments: list[str] | None = None) -> int:
    line = add_rollout(parser("release traffic", __doc__, 600.0), 15.0)
    line.add_argument(
        "model", nargs="?", default=Outside("MODEL", NAME, needed="the name of a model")
    )
    line.add_argument(
        "--mode",
        choices=MODES,
        default=Outside("MODE", choice(*MODES), needed="split, shadow or off"),
    )
    line.add_argument(
        "--share",
        type=float,
        default=Outside("SHARE", NUMBER),
        help="per cent of requests to the challenger",
    )
    line.add_argument("--experiment", help="another name deals subjects anew")
    line.add_argument("--only-for", metavar="CHAMPION,CHALLENGER", help="of these versions alone")
    options = parsed(line, arguments)
    return process.finish(__name__, lambda: change_traffic(options), options.json)
