"""Brings a release into the Swarm, proves that it serves, and goes back by itself when it does not.

    python -m scripts.release.deploy [--image NAME@sha256:...] [--watch SECONDS] [--deadline SECONDS] [--by WHO] [--why TEXT]

Settings: stack/settings/STACK.env, the environment before it (docs/swarm.md). Exit codes: 0 done or unchanged,
1 refused and nothing changed, 2 not good and rolled back, 3 the deadline passed; the last line says what serves.
"""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from scripts.ci import changes
from scripts.command import checkout
from scripts.command.options import FLAG, IMAGE, Outside, outcome_file, parsed, parser, waiting
from scripts.command.outcome import DONE, Refused, finish, keep, say
from scripts.credentials import manage
from scripts.edge import client
from scripts.engine import swarm
from scripts.image import release
from scripts.image.release import Intended
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release import detached, withdrawn
from scripts.release.order import Goal, Order
from scripts.release.rollout import carry_out
from scripts.release.situation import Situation
from scripts.release.traffic import carried
from scripts.stack_file import render, settings

DEADLINE, WATCH = 600.0, 15.0
ROOT = Path(__file__).parents[2]


def deploy(options: argparse.Namespace) -> dict[str, Any]:
    if options.plan:
        return plan(ordered(options), options.json)
    return detached.carried_out("deploy", lambda: carry_out(ordered(options)))


def ordered(options: argparse.Namespace) -> Order:
    """The order, once the image is there."""
    swarm.need_manager()
    # To pull may take minutes: nothing that another deploy may change is looked at before the lock is held.
    wanted = release.read(release.named(options.image), options.deadline)
    return Order.of(
        options, "deploy", wanted.release, lambda history: goal(options, wanted, history)
    )


def plan(order: Order, as_json: bool) -> dict[str, Any]:
    """What a deploy would do, in one word for a pipeline; why there is nothing to do is for people.

    `deploy`, `nothing`, or `withdrawn`: it comes in only if a person says so.
    """
    try:
        now = Situation.of(order)
        word = "nothing" if now.is_unchanged(order.stack) else "deploy"
        facts: dict[str, Any] = {"plan": word, "release": now.goal.intended.release}
    except withdrawn.Withdrawn as error:
        say(str(error))
        facts = {"plan": "withdrawn", "reason": str(error), **error.facts}
        # The report tells what serves: it is not what was built.
        keep(outcome_file(), DONE, facts)
    if not as_json:
        print(facts["plan"])
    return facts


def goal(options: argparse.Namespace, wanted: Intended, history: list[Record]) -> Goal:
    """What a deploy brings in, if it may come in after what the stack has lived through."""
    serving = records.current(history)
    view = swarm.look(options.stack)
    serves = unrecorded.known(view, options.stack) or serving
    if options.plan:
        note_changes(serves, wanted)
    if not options.force:
        if serves is not None:
            refuse_older(wanted, serves)
        if not options.withdrawn:
            withdrawn.refuse(history, wanted.release, wanted.document)
    traffic = carried(serving, wanted.document)
    chosen = settings.choose(options.stack, unrecorded.settings(view, options.stack, serving))
    settings.tell_kept(chosen)
    inputs = render.collect(wanted.image, traffic, chosen.values)._replace(origins=chosen.origins)
    need_secrets(options.stack, inputs)
    return Goal(wanted, inputs)


def note_changes(serving: Record | None, wanted: Intended) -> None:
    """Writes down what the release would change, for who is asked and for the mail."""
    before = serving.document if serving else {}
    old, new = str(before.get("commit", "")), str(wanted.document.get("commit", ""))
    known = changes.compare(
        serving.release if serving else "",
        before,
        wanted.release,
        wanted.document,
        checkout.commits_between(ROOT, old, new, *changes.PATHS),
    )
    keep(changes.file(), DONE, known._asdict())


def refuse_older(wanted: Intended, serving: Record) -> None:
    """Of two builds that are deployed in the wrong order, the newer one stays."""
    mine, theirs = wanted.document.get("created"), serving.document.get("created")
    if wanted.image == serving.image or not mine or not theirs:
        return
    if datetime.fromisoformat(mine) < datetime.fromisoformat(theirs):
        raise Refused(
            f"release {wanted.release} is of {mine}, and {serving.release}, which serves, of {theirs}:"
            f" a newer release is not overtaken by an older; `make rollback TO={wanted.release}` goes"
            " back on purpose, --force deploys all the same"
        )


def need_secrets(name: str, inputs: render.Inputs) -> None:
    wanted = {one for one in render.used(inputs.files) if one.endswith("_SECRET")}
    lacking = sorted(wanted - manage.current(name).keys())
    if lacking:
        raise Refused(
            f"stack {name} has no {', '.join(lacking)}; `make secrets` makes what is missing"
        )
    if inputs.variables.get("AUTH") != "off" and not client.key_file().is_file():
        raise Refused(
            f"{client.key_file()} is not there: the smoke test needs a key of scopes predict and admin;"
            " `make secrets` hands one out, SWARMLINE_KEY_FILE names another place"
        )
    if not client.edge_key_file().is_file():
        say(f"{client.edge_key_file()} is not there: new replicas cannot be judged at the edge")


def main(arguments: list[str] | None = None) -> int:
    made = waiting(parser("deploy", __doc__, DEADLINE), WATCH)
    made.add_argument(
        "--image",
        default=Outside("IMAGE", IMAGE),
        help="by digest; default: MODEL_IMAGE, or what was published last",
    )
    made.add_argument("--plan", action="store_true", help="only say: deploy, or nothing to do")
    made.add_argument(
        "--withdrawn",
        action="store_true",
        default=Outside("WITHDRAWN", FLAG),
        help="also a release, or code, that was withdrawn",
    )
    made.add_argument(
        "--force",
        action="store_true",
        default=Outside("OLDER", FLAG),
        help="also an older release, or one that was withdrawn",
    )
    options = parsed(made, arguments)
    return finish(lambda: deploy(options), options.json, None if options.plan else outcome_file())


if __name__ == "__main__":
    sys.exit(main())
