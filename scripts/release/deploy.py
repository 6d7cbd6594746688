"""Brings a release into the Swarm, proves that it serves, and goes back by itself when it does not.

    python -m scripts.release deploy [--image NAME@sha256:...] [--watch SECONDS] [--deadline SECONDS]
                                     [--by WHO] [--why TEXT]

Settings: stack/settings/STACK.env, the environment before it (docs/swarm.md). Exit codes: 0 done or unchanged,
1 refused and nothing changed, 2 not good and rolled back, 3 the deadline passed; the last line says what serves.
Monitoring comes in after the release; what fails of it is said, and changes no exit code.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

from outside.values import FLAG, IMAGE, Outside
from scripts.command import environments, files
from scripts.command.options import add_rollout, parsed, parser
from scripts.command.outcome import Late, Refused, RolledBack, finish, say
from scripts.credentials import manage
from scripts.detached import process
from scripts.edge import client
from scripts.engine import swarm
from scripts.engine.secrets_and_configs import current_secrets
from scripts.image import release
from scripts.image.release import Release
from scripts.ledger import confirmations, records, unrecorded
from scripts.ledger.records import Record
from scripts.monitoring_stack import bring_in, kept
from scripts.release import staging, traffic_file, withdrawn
from scripts.rollout.order import Goal, Order
from scripts.rollout.rollout import carry_out
from scripts.stack_file import render, settings

DEADLINE, WATCH = 600.0, 15.0
Note = Callable[[Record | None, Release], None]


def deploy(options: argparse.Namespace) -> dict[str, Any]:
    confirmations.need_production(options.stack)
    return process.carry_out(__name__, lambda: _bring_in(order_of(options)))


def _bring_in(order: Order) -> dict[str, Any]:
    """The release, and after it monitoring, which takes no release back."""
    try:
        outcome = carry_out(order)
    except (RolledBack, Late) as error:
        staging.keep_failure(order, error)
        raise
    return {**outcome, "monitoring": bring_in.after_release(order.stack, order.by)}


def order_of(options: argparse.Namespace, note: Note | None = None) -> Order:
    """The order, once the image is there. `note` is told what serves and what is to come, before a refusal."""
    swarm.need_manager()
    # To pull may take minutes: nothing that another deploy may change is looked at before the lock is held.
    wanted = release.read(release.image_named(options.image), options.deadline)
    return Order.of(
        options, "deploy", wanted.name, lambda history: goal(options, wanted, history, note)
    )


def goal(
    options: argparse.Namespace, wanted: Release, history: list[Record], note: Note | None = None
) -> Goal:
    """What a deploy brings in, if it may come in after what the stack has lived through."""
    serving = records.serving(history)
    view = swarm.look(options.stack)
    serves = unrecorded.record_if_readable(view, options.stack) or serving
    if note is not None:
        note(serves, wanted)
    if not options.force:
        if serves is not None:
            refuse_older(wanted, serves)
        if not options.withdrawn:
            withdrawn.refuse(history, wanted.name, wanted.document)
    traffic = traffic_file.carry_over(serving, wanted.document)
    before = unrecorded.settings(view, options.stack, serving)
    chosen = settings.choose(options.stack, kept.with_settings(options.stack, before))
    settings.say_what_stays(chosen)
    monitor = kept.monitor_of(wanted.image, history)
    inputs = render.collect(wanted.image, traffic, chosen.values, monitor=monitor)
    inputs = inputs._replace(origins=chosen.origins)
    need_secrets(options.stack, inputs)
    staging.refuse_taken_ports(options.stack, inputs)
    # The last of all: a plan goes on from there.
    staging.refuse_unconfirmed(options, history, wanted)
    return Goal(wanted, inputs)


def refuse_older(wanted: Release, serving: Record) -> None:
    """Of two builds that are deployed in the wrong order, the newer one stays."""
    mine, theirs = wanted.document.get("created"), serving.document.get("created")
    if wanted.image == serving.image or not mine or not theirs:
        return
    if datetime.fromisoformat(mine) < datetime.fromisoformat(theirs):
        raise Refused(
            f"release {wanted.name} is of {mine}, and {serving.release}, which serves, of {theirs}:"
            f" a newer release is not overtaken by an older; `make rollback TO={wanted.name}` goes"
            " back on purpose, --force deploys all the same"
        )


def need_secrets(stack: str, inputs: render.StackInputs) -> None:
    manage.make_brought(stack, environments.secrets_folder(stack))
    wanted = {name for name in render.used(inputs.files) if name.endswith("_SECRET")}
    lacking = sorted(wanted - current_secrets(stack).keys())
    if lacking:
        raise Refused(
            f"stack {stack} has no {', '.join(lacking)}; `make secrets` makes what is missing"
        )
    key, edge_key = client.key_file(stack), client.edge_key_file(stack)
    if inputs.variables.get("AUTH") != "off" and not key.is_file():
        raise Refused(
            f"{key} is not there: the smoke test needs a key of scopes predict and admin;"
            " `make secrets` hands one out, SWARMLINE_KEY_FILE names another place"
        )
    if not edge_key.is_file():
        say(f"{edge_key} is not there: new replicas cannot be judged at the edge")


def command_line(verb: str, about: str | None) -> argparse.ArgumentParser:
    """What deploy and plan take alike."""
    line = add_rollout(parser(f"release {verb}", about, DEADLINE), WATCH)
    line.add_argument(
        "--image",
        default=Outside("IMAGE", IMAGE),
        help="by digest; default: MODEL_IMAGE, or what was published last",
    )
    line.add_argument(
        "--withdrawn",
        action="store_true",
        default=Outside("WITHDRAWN", FLAG),
        help="also a release, or code, that was withdrawn",
    )
    line.add_argument(
        "--unconfirmed",
        action="store_true",
        default=Outside("UNCONFIRMED", FLAG),
        help="also a release that staging has not confirmed; needs --why",
    )
    line.add_argument(
        "--force",
        action="store_true",
        default=Outside("OLDER", FLAG),
        help="also an older release, or one that was withdrawn",
    )
    return line


def main(arguments: list[str] | None = None) -> int:
    options = parsed(command_line("deploy", __doc__), arguments)
    return finish(lambda: deploy(options), options.json, files.deploy_outcome())
