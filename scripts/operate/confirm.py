"""Proves that the stack serves what was deployed last: golden rows, every replica's release, and the status.

    python -m scripts.operate confirm [--load SECONDS] [--by WHO] [--why TEXT] [--deadline SECONDS] [--stack NAME]

With a load, golden rows are asked through the edge by a few callers at once for so many seconds, and what they were
answered has to reach the journal's database. In a staging stack that is the rule, 20 s, and the outcome is kept with
the releases of the stack whose staging it is: what is confirmed may come in there, what answers wrongly or not at all
is withdrawn. Nothing else is changed. Exit codes: 0 it does, 1 it does not.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from outside.values import NUMBER, Outside
from scripts.command import files
from scripts.command.deadline import Deadline
from scripts.command.environments import production_of
from scripts.command.options import add_break_lock, add_who_and_why, parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.edge import client, journal_lag, load, smoke
from scripts.edge.client import EdgeClient
from scripts.edge.counters import counters
from scripts.engine import lock, swarm
from scripts.ledger import confirmations, records, unrecorded
from scripts.ledger.records import Record
from scripts.operate import status

STAGING_LOAD = 20.0
#: Seconds for which whoever works on the stack is waited for.
PATIENCE = 30.0
#: Seconds that the journals have for what the load was answered; a shipper needs one or two.
SHIPPED_SECONDS = 30.0


class NotServed(Refused):
    """Callers do not get what was deployed, or not under load."""


def confirm(options: argparse.Namespace) -> dict[str, Any]:
    production = production_of(options.stack)
    if options.load is None:
        options.load = STAGING_LOAD if production else 0.0
    if not 0 <= options.load <= load.LONGEST:
        raise Refused(f"--load is {options.load:g}; allowed are 0 to {load.LONGEST:g} seconds")
    confirmations.need_production(options.stack)
    swarm.need_manager()
    if not production:
        return _prove(options, _serving(options.stack))
    # What another deploy brings in meanwhile would be held against the release that is judged.
    longest = options.deadline + options.load + 120
    with lock.held(options.stack, options.by, "confirming", longest, options.break_lock, PATIENCE):
        return _confirm_for(production, options)


def _confirm_for(production: str, options: argparse.Namespace) -> dict[str, Any]:
    """Proves it, and keeps the outcome with the releases of the stack whose staging this is."""
    serving = _serving(options.stack)
    try:
        facts = _prove(options, serving)
    except NotServed as error:
        confirmations.keep_red(options.stack, serving, str(error), options.by, options.why)
        error.facts["red"] = True
        raise
    if not options.load:
        say(f"without a load nothing is confirmed for {production}")
        return facts
    reason = f"golden rows as exported; {facts['load']}"
    confirmations.keep(options.stack, serving, records.CONFIRMED, reason, options.by, options.why)
    return facts


def _serving(stack: str) -> Record:
    by_hand = unrecorded.record(swarm.look(stack), stack)
    return by_hand or records.need_serving(stack, records.history(stack))


def _prove(options: argparse.Namespace, serving: Record) -> dict[str, Any]:
    """What the status tells, and what the load came to."""
    release, variables = serving.as_release, serving.deployed_with.variables

    def unmet() -> str:
        view = swarm.look(options.stack)
        edge = client.client_for(view, options.stack, variables)
        return smoke.unmet(edge, release, view, f"{options.stack}_model")

    # A replica may be on its way out at this moment.
    if lack := Deadline(options.deadline).retry_while(unmet, step=1.0):
        raise NotServed(f"release {serving.release} is not what callers get: {lack}")
    say(f"smoke test: {len(list(smoke.targets(release)))} versions as exported")
    burden = _bear(options, serving)
    return {**status.status(options.stack), **burden}


def _bear(options: argparse.Namespace, serving: Record) -> dict[str, str]:
    if not options.load:
        return {}
    variables = serving.deployed_with.variables
    edge = client.client_for(swarm.look(options.stack), options.stack, variables)
    burden = load.bear(edge, serving.as_release, options.load)
    if burden.failed:
        raise NotServed(f"release {serving.release} does not bear a load: {burden}")
    say(f"load: {burden}")
    _need_shipped(edge, options.stack)
    return {"load": str(burden)}


def _need_shipped(edge: EdgeClient, stack: str) -> None:
    """Whether release or database keeps the journal back cannot be told from here: it is nobody's fault."""
    ended = time.monotonic()

    def unshipped() -> str:
        journals = journal_lag.ask(edge, counters(edge))
        return journal_lag.unshipped(journals, time.monotonic() - ended)

    if lack := Deadline(SHIPPED_SECONDS).retry_while(unshipped, step=1.0):
        raise Refused(
            f"{lack}, {SHIPPED_SECONDS:g} s after the load: answers do not reach the database of {stack}, and nothing"
            f" is confirmed; the replica's log says why"
        )


def command_line() -> argparse.ArgumentParser:
    line = add_break_lock(add_who_and_why(parser("operate confirm", __doc__, 30.0)))
    line.add_argument(
        "--load",
        type=float,
        default=Outside("LOAD", NUMBER),
        help="seconds of a short load through the edge; in a staging stack 20",
    )
    return line


def main(arguments: list[str] | None = None) -> int:
    options = parsed(command_line(), arguments)
    return finish(lambda: confirm(options), options.json, _outcome_of(options.stack))


def _outcome_of(stack: str) -> Path | None:
    """Where Jenkins' report finds what staging made of the release."""
    try:
        return files.staging_outcome() if production_of(stack) else None
    except Refused:
        return None  # said once it is confirmed
