"""Goes back to a release that served before, however many steps, by digest; MLflow is not needed.

    python -m scripts.release.rollback [--to RELEASE] [--by WHO] [--why TEXT] | --list

RELEASE is a release's name, its start, its number in the list, or its digest; without it, the one before.
Exit codes: as deploy.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from scripts.command.options import IMAGE, Outside, outcome_file, parsed, parser, waiting
from scripts.command.outcome import Refused, finish, say
from scripts.engine import swarm
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release import detached
from scripts.release.order import Goal, Order
from scripts.release.rollout import carry_out


def rollback(options: argparse.Namespace) -> dict[str, Any]:
    swarm.need_manager()
    subject = options.to or "the release before"
    order = Order.of(
        options, "rollback", subject, lambda history: goal(options.stack, history, options.to)
    )
    return carry_out(order)


def goal(stack: str, history: list[Record], wanted: str | None) -> Goal:
    """The release that is named, or the one before what serves."""
    chosen = records.choose(history, wanted) if wanted else _before(stack, history)
    if chosen.inputs is None:
        raise Refused(f"record {chosen.number} does not tell how {chosen.release} was deployed")
    say(f"going back to release {chosen.release}, deployed {chosen.at} by {chosen.by}")
    return Goal(chosen.intended, chosen.inputs)


def _before(stack: str, history: list[Record]) -> Record:
    return unrecorded.before(stack, history) or records.previous(history)


def listing(stack: str, as_json: bool) -> dict[str, Any]:
    """What was deployed when, the newest first; for people, and for Jenkins to choose from."""
    swarm.need_manager()
    history = records.history(stack)
    serving = records.current(history)
    for record in history:
        say(line(record, record is serving))
    known = [record for record in history if record.verified]
    names = list(dict.fromkeys(record.release for record in known))
    if not as_json:
        # On stdout the names alone, for a pipeline to choose from.
        print("\n".join(names))
    return {
        "serves": serving.release if serving else None,
        "releases": names,
        "records": [record.summary() for record in history],
    }


def line(record: Record, serves: bool) -> str:
    mark = "*" if serves else " "
    why = f": {record.reason or record.why}" if record.reason or record.why else ""
    return (
        f"{mark} {record.number:>3}  {record.at[:16].replace('T', ' ')}  {record.kind:<9}"
        f" {record.release}  {record.outcome}, by {record.by}{why}"
    )


def main(arguments: list[str] | None = None) -> int:
    # What is gone back to was judged when it came; a rollback is wanted quickly.
    made = waiting(parser("rollback", __doc__, 300.0), 0.0)
    made.add_argument("--to", default=Outside("TO", IMAGE), help="the release to go back to")
    made.add_argument("--list", action="store_true", help="only tell what there is to go back to")
    options = parsed(made, arguments)
    if options.list:
        return finish(lambda: listing(options.stack, options.json), options.json)
    return finish(
        lambda: detached.carried_out("rollback", lambda: rollback(options)),
        options.json,
        outcome_file(),
    )


if __name__ == "__main__":
    sys.exit(main())
