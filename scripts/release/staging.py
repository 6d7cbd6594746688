"""What staging has to say of a release before it comes into the stack that serves callers.

    python -m scripts.release staging

Prints the name of the stack in which this one's releases are confirmed first, and, after a space, the engine of its
Swarm where that is another; nothing where there is none. Changes nothing.
"""

from __future__ import annotations

import argparse
from typing import Any

from scripts.command import environments
from scripts.command.options import parsed, parser
from scripts.command.outcome import Late, Refused, RolledBack, finish, say
from scripts.image.release import Release
from scripts.ledger import confirmations, records
from scripts.ledger.records import Record
from scripts.rollout.order import Order
from scripts.stack_file import render

#: What stack.yml publishes where nothing else is set.
USUAL_PORT = "443"
#: A person's word, and nothing that the release has done.
INTERRUPTED = "interrupted by"


class Unconfirmed(Refused):
    """Staging has not confirmed this image."""


def refuse_unconfirmed(options: argparse.Namespace, history: list[Record], wanted: Release) -> None:
    """Only what staging confirmed last comes in; what serves already may come in with other settings."""
    staging, serving = environments.staging_of(options.stack), records.serving(history)
    if staging is None or (serving is not None and serving.image == wanted.image):
        return
    said = confirmations.newest(history, wanted.image)
    if said is not None and said.outcome == records.CONFIRMED:
        return
    if options.unconfirmed and options.why:
        say(f"release {wanted.name} comes in unconfirmed by stack {staging.stack}: {options.why}")
        return
    if options.unconfirmed:
        raise Refused("UNCONFIRMED=1 (--unconfirmed) needs a reason for the ledger: WHY='...'")
    what = f"was red {said.reason}" if said else "has not been confirmed"
    raise Unconfirmed(
        f"release {wanted.name} {what}: stack {staging.stack} is the staging of {options.stack};"
        f" `make deploy confirm STACK={staging.stack}` confirms it, UNCONFIRMED=1 WHY='...' deploys it all the same"
    )


def refuse_taken_ports(stack: str, inputs: render.StackInputs) -> None:
    """Swarm would find it out in the middle of a deploy, which would then be the release's fault."""
    staging = environments.staging_of(stack)
    other = staging.stack if staging else environments.production_of(stack)
    there = records.last_inputs(other) if other else None
    if there is None:
        return
    for port in sorted(_ports(inputs) & _ports(there)):
        raise Refused(
            f"stack {other} has port {port} of this Swarm: EDGE_PORT, and EDGE_HTTP_PORT, have to be others in"
            f" the settings of stack {stack}"
        )


def _ports(inputs: render.StackInputs) -> set[str]:
    plain = inputs.variables.get("EDGE_HTTP_PORT", "")
    return {inputs.variables.get("EDGE_PORT") or USUAL_PORT} | ({plain} if plain else set())


def keep_failure(order: Order, error: RolledBack | Late) -> None:
    """A release that did not come into staging is withdrawn from the stack whose staging it is."""
    if not environments.production_of(order.stack):
        return
    history = records.history(order.stack)
    attempt = next((record for record in history if record.kind == order.kind), None)
    if attempt is None or attempt.release != order.subject or attempt.verified:
        return
    if attempt.reason.startswith(INTERRUPTED):
        return
    confirmations.keep_red(order.stack, attempt, str(error), order.by, order.why)


def name(stack: str, as_json: bool) -> dict[str, Any]:
    staging = environments.staging_of(stack)
    if staging and not as_json:
        print(" ".join(filter(None, staging)))
    return {"stack": stack, "staging": staging._asdict() if staging else None}


def main(arguments: list[str] | None = None) -> int:
    options = parsed(parser("release staging", __doc__), arguments)
    return finish(lambda: name(options.stack, options.json), options.json)
