"""Proves that the stack serves what was deployed last: golden rows, every replica's release, and the status.

    python -m scripts.operate confirm [--deadline SECONDS] [--stack NAME] [--json]

Changes nothing. Exit codes: 0 it does, 1 it does not.
"""

from __future__ import annotations

import argparse
from typing import Any

from scripts.command.deadline import Deadline
from scripts.command.options import parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.edge import client, smoke
from scripts.engine import swarm
from scripts.ledger import records, unrecorded
from scripts.operate import status


def confirm(options: argparse.Namespace) -> dict[str, Any]:
    swarm.need_manager()
    recorded = records.serving(records.history(options.stack))
    serving = unrecorded.record(swarm.look(options.stack), options.stack) or recorded
    if serving is None or serving.inputs is None:
        raise Refused(f"stack {options.stack} has no release yet; `make deploy` brings one in")
    release, variables = serving.as_release, serving.inputs.variables

    def unmet() -> str:
        view = swarm.look(options.stack)
        edge = client.client_for(view, options.stack, variables)
        return smoke.unmet(edge, release, view, f"{options.stack}_model")

    # A replica may be on its way out at this moment.
    if lack := Deadline(options.deadline).retry_while(unmet, step=1.0):
        raise Refused(f"release {serving.release} is not what callers get: {lack}")
    say(f"smoke test: {len(list(smoke.targets(release)))} versions as exported")
    return status.status(options.stack)


def main(arguments: list[str] | None = None) -> int:
    options = parsed(parser("operate confirm", __doc__, 30.0), arguments)
    return finish(lambda: confirm(options), options.json)
