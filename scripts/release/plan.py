"""Says what a deploy would do, and changes nothing: the pipeline's stage Plan.

    python -m scripts.release plan [--image NAME@sha256:...]

Prints `deploy`, `nothing` or `withdrawn`, and writes down for the offer and the mail what the release would change.
"""

from __future__ import annotations

from typing import Any

from scripts.command import checkout, files
from scripts.command.checkout import ROOT
from scripts.command.options import parsed
from scripts.command.outcome import DONE, finish, keep, say
from scripts.image import changes
from scripts.image.release import Release
from scripts.ledger.records import Record
from scripts.monitoring_stack import bring_in
from scripts.release import deploy, staging, withdrawn
from scripts.rollout.order import Order
from scripts.rollout.situation import Situation


def plan(order: Order, as_json: bool) -> dict[str, Any]:
    """What a deploy would do, in one word for a pipeline; why there is nothing to do is for people.

    `deploy`, `nothing`, or `withdrawn`: it comes in only if a person says so.
    """
    try:
        now = Situation.of(order)
        is_due = not now.is_unchanged or bring_in.is_due(order.stack, now.goal.inputs)
        word = "deploy" if is_due else "nothing"
        facts: dict[str, Any] = {"plan": word, "release": now.goal.release.name}
    except withdrawn.Withdrawn as error:
        say(str(error))
        facts = {"plan": "withdrawn", "reason": str(error), **error.facts}
        # The report tells what serves: it is not what was built.
        keep(files.deploy_outcome(), DONE, facts)
    except staging.Unconfirmed as error:
        # What serves already is never unconfirmed, so there is something to do.
        say(str(error))
        facts = {"plan": "deploy", "release": order.subject, "unconfirmed": str(error)}
    if not as_json:
        print(facts["plan"])
    return facts


def note_changes(serving: Record | None, wanted: Release) -> None:
    """Writes down what the release would change, for who is asked and for the mail."""
    before = serving.document if serving else {}
    old, new = str(before.get("commit", "")), str(wanted.document.get("commit", ""))
    change = changes.compare(
        serving.release if serving else "",
        before,
        wanted.name,
        wanted.document,
        checkout.commits_between(ROOT, old, new, *changes.PATHS),
    )
    keep(files.changes(), DONE, change._asdict())


def main(arguments: list[str] | None = None) -> int:
    options = parsed(deploy.command_line("plan", __doc__), arguments)
    return finish(lambda: plan(deploy.order_of(options, note_changes), options.json), options.json)
