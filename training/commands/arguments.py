"""The command line: the parser, the options of a training, and what each command does first and last."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any, Literal, NamedTuple, NoReturn

import msgspec

from outside.address import public_text
from outside.command_line import fill_in
from outside.values import FLAG, LINE, NAME, NAMES, PATH, SQL, Outside, choice, parameter
from training.commands import COMMANDS
from training.common.errors import Several, SpecError, TrainingError
from training.spec.load import FOLDER, find, names
from training.spec.values import Spec

STEPS = ("validate", "search", "export", "evaluate", "gate", "register")
GATES = ("enforce", "report", "later")
OF_MODELS = (
    *("validate", "train", "gate", "models", "compare", "history", "export"),
    *("promote", "reject"),
)
OF_ONE_VERSION = ("propose", "card", "reproduce")


class Options(NamedTuple):
    """`skip` names steps; `gate` decides what a gate that fails does; `force` trains what did not change."""

    cluster: str = ""
    gate: Literal["enforce", "report", "later"] = "enforce"
    skip: frozenset[str] = frozenset()
    force: bool = False

    def does(self, step: str) -> bool:
        return step not in self.skip


class _Parser(argparse.ArgumentParser):
    """A wrong use ends with 1; argparse's own 2 is what data that break the contract end with."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(TrainingError.exit_code, f"{self.prog}: error: {public_text(message)}\n")


def parser() -> argparse.ArgumentParser:
    top = _Parser(prog="python -m training", description="From data to a gated, registered bundle.")
    top.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = {
        name: commands.add_parser(name, help=text, description=text)
        for name, (_, text) in COMMANDS.items()
    }
    for name in OF_MODELS:
        _add_models(command[name])
    for name in OF_ONE_VERSION:
        _add_version(command[name])
    _add_decision(command["promote"])
    _add_decision(command["reject"])
    _add_train_options(command["train"])
    _add_draft_options(command["draft"])
    command["export"].add_argument(
        "--release",
        action="store_true",
        help="a challenger that was trained just now, and passed, is exported as champion",
    )
    command["promote"].add_argument(
        "--if-any", action="store_true", help="models without a challenger are passed over"
    )
    command["promote"].add_argument(
        "--exported",
        action="store_true",
        help="the versions that the exported bundles name champion, where they are not yet",
    )
    command["reject"].add_argument(
        "--exported",
        action="store_true",
        help="what the exported bundles would have released, and did not",
    )
    return top


def _add_models(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        default=Outside("MODEL", NAMES),
        help="names or spec files (default: all)",
    )
    _add_json(command)


def _add_version(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", nargs="?", default=Outside("MODEL", NAME, needed="name"))
    if command.prog.endswith("propose"):
        which, text = Outside("VERSION", NAME, needed="number"), "a number"
    else:
        which = Outside("VERSION", NAME, "champion")
        text = "a number or an alias (default: champion)"
    command.add_argument("version", nargs="?", default=which, help=text)
    _add_json(command)


def _add_draft_options(command: argparse.ArgumentParser) -> None:
    file = "a .csv or .parquet file, a glob of them in quotes, or postgresql://..."
    target = "the column to predict"
    command.add_argument(
        "source", nargs="?", default=Outside("SOURCE", PATH, needed=file), help=file
    )
    command.add_argument("--target", default=Outside("TARGET", LINE, needed=target), help=target)
    command.add_argument(
        "--name", default=Outside("NAME", NAME), help="the model's name (default: the file's)"
    )
    command.add_argument(
        "--query",
        default=Outside("QUERY", SQL),
        help="of a database: the SELECT whose rows to read",
    )
    command.add_argument(
        "--folder", default=FOLDER, help="where to write NAME.toml (default: %(default)s)"
    )


def _add_decision(command: argparse.ArgumentParser) -> None:
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


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="one JSON document on stdout, all else on stderr"
    )


def _add_train_options(command: argparse.ArgumentParser) -> None:
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


def complete(arguments: argparse.Namespace) -> None:
    """Fills in what the environment says, where the command line does not."""
    if arguments.command == "export":
        rollout = parameter("ROLLOUT", choice("replace", "beside"))
        arguments.release = arguments.release or rollout == "replace"
        # An image holds all models, whichever a build was to train.
        if rollout and isinstance(arguments.models, Outside):
            arguments.models = []
    fill_in(arguments, "")
    if "why" in arguments and not arguments.why:
        if not arguments.exported:
            raise TrainingError("WHY is missing: WHY='the reason', which is kept")
        arguments.why = "released"


def check_models(arguments: argparse.Namespace) -> None:
    """A name that no spec has is said at once, and not after MLflow's import."""
    if COMMANDS[arguments.command][0] == "versions" and hasattr(arguments, "models"):
        specs_of(arguments)


def specs_of(arguments: argparse.Namespace) -> list[Spec]:
    """The named specs or all; an optimization comes after the model that it searches."""
    specs, problems = readable_specs(arguments)
    if problems:
        raise Several(problems)
    return specs


def readable_specs(arguments: argparse.Namespace) -> tuple[list[Spec], list[TrainingError]]:
    """Those that can be used, and what is wrong with the others."""
    specs: list[Spec] = []
    problems: list[TrainingError] = []
    for name in arguments.models or names():
        try:
            specs.append(find(name))
        except SpecError as error:
            problems.append(error)
    return sorted(specs, key=lambda spec: spec.task == "optimization"), problems


def answer(arguments: argparse.Namespace, document: Any, text: str) -> None:
    """One JSON document, or lines for people."""
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    elif text:
        print(text)
