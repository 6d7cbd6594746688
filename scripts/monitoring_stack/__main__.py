"""Brings monitoring in or up to date, for the release that serves; without a deploy.

    python -m scripts.monitoring_stack up [--deadline SECONDS] [--stack NAME] [--json]

`make deploy` does so after each release. Exit codes: 0 it runs, or MONITORING is off; 1 it does not.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from scripts.command.options import add_break_lock, add_who_and_why, parsed, parser
from scripts.command.outcome import Refused, finish
from scripts.engine import lock, swarm
from scripts.monitoring_stack import bring_in


def up(options: argparse.Namespace) -> dict[str, Any]:
    swarm.need_manager()
    longest = options.deadline + bring_in.ROLE_SECONDS + 60
    with lock.held(options.stack, options.by, "monitoring", longest, options.break_lock):
        outcome = bring_in.ensure(options.stack, options.deadline)
    if outcome["problems"]:
        raise Refused("; ".join(outcome["problems"]), monitoring=outcome)
    return {"stack": options.stack, "monitoring": outcome}


def main() -> int:
    line = add_break_lock(add_who_and_why(parser("monitoring_stack", __doc__, bring_in.DEADLINE)))
    line.add_argument("act", choices=("up",))
    options = parsed(line, None)
    return finish(lambda: up(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
