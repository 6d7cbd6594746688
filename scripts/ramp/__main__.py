"""Raises the share of a model's challenger step by step, as the monitor's verdicts allow.

    python -m scripts.ramp MODEL [--steps 5,25,50] [--promote better|as-good|never]

Each step is a change of traffic with its own watch, and is over once the monitor has looked at it and the challenger
has answered enough requests. On stdout, where the challenger got all callers, its version: what `make promote` is to
make champion. Exit codes: 0 it got all callers, or keeps its share by its verdict; 1 refused and nothing changed; 2 the
challenger is worse, or the watch of a step found its replicas bad; 3 it ended otherwise. The last line says who answers
callers.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from outside.values import NAME, NUMBER, Outside, choice
from scripts.command import files
from scripts.command.options import add_who_and_why, parsed, parser
from scripts.command.outcome import finish
from scripts.engine import swarm
from scripts.ramp.climb import climb
from scripts.ramp.monitor import Monitor
from scripts.ramp.plan import PROMOTE, STEPS, Plan, steps_of
from scripts.ramp.stack import Stack


def plan_of(options: argparse.Namespace) -> Plan:
    return Plan(
        model=options.model,
        steps=steps_of(options.steps),
        promote=options.promote,
        step_seconds=60 * options.step_minutes,
        verdict_seconds=3600 * options.verdict_hours,
        away_seconds=60 * options.away_minutes,
        by=options.by,
        why=options.why,
        requests=options.requests,
    )


def ramp(options: argparse.Namespace) -> dict[str, Any]:
    plan = plan_of(options)
    swarm.need_manager()
    stack = Stack(options.stack, plan.model, plan.by)
    ended = climb(stack, Monitor(stack.edge, plan.model), plan)
    if ended["outcome"] == "promoted" and not options.json:
        print(ended["challenger"])
    return ended


def command_line() -> argparse.ArgumentParser:
    line = add_who_and_why(parser("ramp", __doc__))
    model = Outside("MODEL", NAME, needed="the name of a model")
    line.add_argument("model", nargs="?", default=model)
    line.add_argument("--steps", default=Outside("STEPS", STEPS, "5,25,50"), help="per cent")
    line.add_argument(
        "--promote",
        choices=PROMOTE,
        default=Outside("PROMOTE", choice(*PROMOTE), "better"),
        help="after which verdict the challenger gets all callers",
    )
    deadlines = (
        ("--step-minutes", Outside("RAMP_MINUTES", NUMBER, 60.0), "for the requests of a step"),
        ("--verdict-hours", Outside("RAMP_VERDICT_HOURS", NUMBER, 24.0), "for the verdict"),
        ("--away-minutes", Outside("RAMP_AWAY_MINUTES", NUMBER, 5.0), "without the monitor"),
    )
    for name, outside, text in deadlines:
        line.add_argument(name, type=float, default=outside, help=text)
    line.add_argument("--requests", type=int, help="of the challenger at each step")
    return line


def main(arguments: list[str] | None = None) -> int:
    options = parsed(command_line(), arguments)
    return finish(lambda: ramp(options), options.json, files.release("ramp.json"))


if __name__ == "__main__":
    sys.exit(main())
