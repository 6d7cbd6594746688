"""The command line: `python -m training <command> [MODEL...]`."""

from __future__ import annotations

import argparse
import getpass
import os
import shlex
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import NoReturn

from training.commands.arguments import (
    FLAG,
    LINE,
    NAME,
    NAMES,
    PATH,
    STEPS,
    Outside,
    choice,
    parameter,
)
from training.commands.versions import COMMANDS
from training.common import failures
from training.common.errors import TrainingError
from training.common.places import public_text
from training.common.progress import say
from training.spec.values import FOLDER

GATES = ("enforce", "report", "later")


class _Parser(argparse.ArgumentParser):
    """A wrong use ends with 1; argparse's own 2 is what data that break the contract end with."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(TrainingError.exit_code, f"{self.prog}: error: {public_text(message)}\n")


def parser() -> argparse.ArgumentParser:
    top = _Parser(prog="python -m training", description="From data to a gated, registered bundle.")
    top.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("validate", "check the data against the contract"),
        ("train", "validate, search, evaluate, gate, export, register"),
        (
            "gate",
            "the decisions about what was trained last; exit code 3 where a rule does not hold",
        ),
        ("models", "the names of the models"),
        ("compare", "versions of a model side by side"),
        ("history", "which version was champion when, by whom and why"),
        ("export", "fetch the bundles that the aliases point at"),
    ):
        _models(commands.add_parser(name, help=text, description=text))
    _train_options(commands.choices["train"])
    commands.choices["export"].add_argument(
        "--release",
        action="store_true",
        help="a challenger that was trained just now, and passed, is exported as champion",
    )
    promote = commands.add_parser("promote", help="make a version the champion")
    _models(promote)
    _decision(promote)
    promote.add_argument(
        "--if-any", action="store_true", help="models without a challenger are passed over"
    )
    promote.add_argument(
        "--exported",
        action="store_true",
        help="the versions that the exported bundles name champion, where they are not yet",
    )
    reject = commands.add_parser("reject", help="a challenger is not to be released")
    _models(reject)
    _decision(reject)
    reject.add_argument(
        "--exported",
        action="store_true",
        help="what the exported bundles would have released, and did not",
    )
    propose = commands.add_parser("propose", help="make a version challenger, rejected or not")
    _one_model(propose)
    propose.add_argument(
        "version",
        nargs="?",
        default=Outside("VERSION", NAME, needed="number"),
        help="a number",
    )
    _json(propose)
    for name, text in (
        ("card", "write a version's model card to the reports"),
        ("reproduce", "train a version again from its record and compare the predictions"),
    ):
        one = commands.add_parser(name, help=text, description=text)
        _one_model(one)
        one.add_argument(
            "version",
            nargs="?",
            default=Outside("VERSION", NAME, "champion"),
            help="a number or an alias (default: champion)",
        )
        _json(one)
    draft = commands.add_parser("draft", help="write a first spec for a data file")
    draft.add_argument(
        "source",
        nargs="?",
        default=Outside("SOURCE", PATH, needed="a .csv or .parquet file"),
        help="a .csv or .parquet file",
    )
    draft.add_argument(
        "--target",
        default=Outside("TARGET", LINE, needed="the column to predict"),
        help="the column to predict",
    )
    draft.add_argument(
        "--name", default=Outside("NAME", NAME), help="the model's name (default: the file's)"
    )
    draft.add_argument(
        "--folder", default=FOLDER, help="where to write NAME.toml (default: %(default)s)"
    )
    return top


def _models(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        default=Outside("MODEL", NAMES),
        help="names or spec files (default: all)",
    )
    _json(command)


def _one_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", nargs="?", default=Outside("MODEL", NAME, needed="name"))


def _decision(command: argparse.ArgumentParser) -> None:
    """On which version, by whom and why."""
    command.add_argument(
        "--version",
        default=Outside("VERSION", NAME, "challenger"),
        help="a number or an alias (default: challenger)",
    )
    command.add_argument(
        "--by", default=Outside("BY", LINE, getpass.getuser()), help="who decides (default: you)"
    )
    command.add_argument("--why", default=Outside("WHY"), help="the reason, kept in MLflow")


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="one JSON document on stdout, all else on stderr"
    )


def _train_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cluster", default="", metavar="tcp://HOST:8786", help="search on a Dask cluster"
    )
    command.add_argument(
        "--gate",
        choices=GATES,
        default=Outside("GATE", choice(*GATES), "enforce"),
        help="'report' registers all the same; 'later' leaves the exit code to the command `gate`",
    )
    command.add_argument(
        "--skip", action="append", default=[], choices=STEPS, help="leave a step out; repeatable"
    )
    command.add_argument(
        "--promote",
        default="",
        metavar="WHY",
        help="then promote what is new, and export the bundles",
    )
    command.add_argument(
        "--force",
        action="store_true",
        default=Outside("FORCE", FLAG),
        help="train even if nothing changed",
    )


def _complete(given: argparse.Namespace) -> None:
    """What the command line does not say, the environment may."""
    if given.command == "export":
        rollout = parameter("ROLLOUT", choice("replace", "beside"))
        given.release = given.release or rollout == "replace"
        # An image holds all models, whichever a build was to train.
        if rollout and isinstance(given.models, Outside):
            given.models = []
    for name, value in vars(given).items():
        if isinstance(value, Outside):
            setattr(given, name, value.value())
    if "why" in given and not given.why:
        if not given.exported:
            raise TrainingError("WHY is missing: WHY='the reason', which is kept")
        given.why = "released"


def _words() -> list[str]:
    """The command line, and after it the words of ARGS, divided as a shell does it and never shown to one."""
    try:
        return [*sys.argv[1:], *shlex.split(os.environ.get("ARGS", ""))]
    except ValueError as error:
        parser().error(f"ARGS cannot be divided into words: {error}")


def _told(error: TrainingError, with_traceback: bool) -> int:
    if with_traceback:
        traceback.print_exc()
    say(f"error: {public_text(str(error))}")
    return error.exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(_words() if arguments is None else arguments)
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        _complete(given)
        COMMANDS[given.command](given)
    except TrainingError as error:
        return _told(error, given.traceback)
    except failures.kinds() as error:
        return _told(failures.explained(error), given.traceback)
    except KeyboardInterrupt:
        say("stopped; nothing half-made is registered")
        return 130
    return 0


if __name__ == "__main__":
    # A build that is aborted gets TERM: to be ended as by Ctrl-C, with the run marked as failed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
