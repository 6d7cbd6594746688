"""Does the stack serve what was deployed last? Golden rows through the edge, every replica's release, and the status.

    python -m scripts.operate.confirm [--deadline SECONDS] [--stack NAME] [--json]

Changes nothing. Exit codes: 0 it does, 1 it does not.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from scripts.command.options import parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.edge import client, verify
from scripts.engine import swarm
from scripts.ledger import records, unrecorded
from scripts.operate import status


def confirm(options: argparse.Namespace) -> dict[str, Any]:
    swarm.need_manager()
    recorded = records.current(records.history(options.stack))
    serving = unrecorded.record(swarm.look(options.stack), options.stack) or recorded
    if serving is None or serving.inputs is None:
        raise Refused(f"stack {options.stack} has no release yet; `make deploy` brings one in")
    until = time.monotonic() + options.deadline
    while True:
        view = swarm.look(options.stack)
        reach = client.access(view, options.stack, serving.inputs.variables)
        lack = verify.lacking(reach, serving.intended, view, f"{options.stack}_model")
        if not lack:
            break
        # A replica may be on its way out at this moment.
        if time.monotonic() > until:
            raise Refused(f"release {serving.release} is not what callers get: {lack}")
        time.sleep(1)
    say(f"smoke test: {len(list(verify.targets(serving.intended)))} versions as exported")
    return status.status(options.stack)


def main(arguments: list[str] | None = None) -> int:
    options = parsed(parser("confirm", __doc__, 30.0), arguments)
    return finish(lambda: confirm(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
