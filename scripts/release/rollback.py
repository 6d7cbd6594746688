"""Goes back to a release that served before, however many steps, by digest; MLflow is not needed.

    python -m scripts.release rollback [--to RELEASE] [--by WHO] [--why TEXT]
    python -m scripts.release releases

RELEASE is a release's name, its start, its number in the list, or its digest; without it, the one before. A challenger
that had all callers gets none there; where the release that serves has one, going back is just that.
Exit codes: as deploy.
"""

from __future__ import annotations

import argparse
from typing import Any

from outside.values import IMAGE, Outside
from scripts.command.options import add_rollout, parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.detached import process
from scripts.engine import swarm
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release import traffic_file
from scripts.rollout.order import Goal, Order
from scripts.rollout.rollout import carry_out


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
    inputs = traffic_file.taken_back(chosen)
    if inputs is None:
        raise Refused(f"record {chosen.number} does not tell how {chosen.release} was deployed")
    say(f"going back to release {chosen.release}, deployed {chosen.at} by {chosen.by}")
    for model, champion, challenger in traffic_file.challengers_with_all_callers(chosen):
        say(f"{model}: champion {champion} answers all callers again, challenger {challenger} none")
    return Goal(chosen.as_release, inputs)


def _before(stack: str, history: list[Record]) -> Record:
    """What came before what serves now: that can be the same release, before its challenger got all callers."""
    if by_hand := unrecorded.before(stack, history):
        return by_hand
    serving = records.serving(history)
    if serving is not None and traffic_file.challengers_with_all_callers(serving):
        return serving
    return records.previous(history)


def listing(stack: str, as_json: bool) -> dict[str, Any]:
    """What was deployed when, the newest first; for people, and for Jenkins to choose from."""
    swarm.need_manager()
    history = records.history(stack)
    serving = records.serving(history)
    for record in history:
        say(records.line(record.summary(), record is serving))
    names = list(dict.fromkeys(record.release for record in history if record.verified))
    if not as_json:
        # On stdout the names alone, for a pipeline to choose from.
        print("\n".join(names))
    return {
        "serves": serving.release if serving else None,
        "releases": names,
        "records": [record.summary() for record in history],
    }


def list_releases(arguments: list[str] | None = None) -> int:
    options = parsed(parser("release releases", __doc__), arguments)
    return finish(lambda: listing(options.stack, options.json), options.json)


def main(arguments: list[str] | None = None) -> int:
    # A rollback does not judge: the release was judged when it was deployed, and is wanted quickly.
    line = add_rollout(parser("release rollback", __doc__, 300.0), 0.0)
    line.add_argument("--to", default=Outside("TO", IMAGE), help="the release to go back to")
    options = parsed(line, arguments)
    return process.finish(__name__, lambda: rollback(options), options.json)
