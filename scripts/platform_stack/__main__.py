"""The platform: Jenkins, MLflow and a registry, as the stack of jenkins/platform.yml.

    python -m scripts.platform_stack up|down|status|backup|restore [FOLDER]|mlflow-image [--json] [--deadline SECONDS]

`up` makes secrets, configs and images, deploys, waits until everything runs, and says where. Variables of the
environment set what jenkins/platform.yml lists. Exit codes: 0 done, 1 refused, 3 deadline.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from outside.values import NAME, PATH, Outside
from scripts.command import files
from scripts.command.options import parsed, plain_parser, run_verb
from scripts.command.outcome import finish
from scripts.platform_stack import backup, mlflow_image, stack

Facts = dict[str, Any]
ACTS: dict[str, Callable[[argparse.Namespace], Facts]] = {
    "up": lambda options: stack.up(options.stack, files.secrets() / "platform", options.deadline),
    "down": lambda options: stack.down(options.stack, options.deadline),
    "status": lambda options: stack.status(options.stack),
    "backup": lambda options: backup.backup(options.stack, files.backups(), options.deadline),
    "restore": lambda options: backup.restore(
        options.stack, Path(options.folder), options.deadline
    ),
}


def main(verb: str) -> int:
    line = plain_parser(f"platform_stack {verb}", __doc__)
    line.add_argument("--stack", default=Outside("PLATFORM_STACK", NAME, "swarmline-platform"))
    line.add_argument("--deadline", type=float, default=1800.0, help="seconds for all of it")
    if verb == "restore":
        folder = Outside("FROM", PATH, needed="the folder that `make platform-backup` wrote")
        line.add_argument("folder", nargs="?", default=folder)
    options = parsed(line, None)
    return finish(lambda: ACTS[verb](options), options.json)


VERBS: dict[str, Callable[[], int]] = {
    **{verb: partial(main, verb) for verb in ACTS},
    "mlflow-image": mlflow_image.main,
}

if __name__ == "__main__":
    sys.exit(run_verb("platform_stack", __doc__, VERBS))
