"""What the scripts' command lines have in common: verbs, options, and where they ask the environment."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from outside import values
from outside.command_line import fill_in, more_words
from outside.values import LINE, NAME, NUMBER, Allowed, NotAllowed, Outside
from scripts.command.outcome import REFUSED, Refused, say

#: Seconds for going back, and those for which a deploy may hold the lock before.
BACK, PATIENCE = 300.0, 1800.0
STACK = "swarmline"


def parameter(name: str, allowed: Allowed = LINE) -> str:
    """What the environment has under this name, or nothing; refused where that is not allowed."""
    try:
        return values.parameter(name, allowed)
    except NotAllowed as error:
        raise Refused(str(error)) from error


def named_stack() -> str:
    """The stack that the environment names, for what has no --stack."""
    return parameter("STACK", NAME) or STACK


class Parser(argparse.ArgumentParser):
    """A wrong use ends with 1, as all that is refused: argparse's own 2 means that a release was rolled back."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(REFUSED, f"{self.prog}: error: {message}\n")


def parser(name: str, text: str | None, deadline: float | None = None) -> Parser:
    """A command line with --stack and --json, and with --deadline where the script waits."""
    line = plain_parser(name, text)
    line.add_argument("--stack", default=Outside("STACK", NAME, STACK))
    if deadline is not None:
        line.add_argument("--deadline", type=float, default=deadline, help="seconds to be done in")
    return line


def plain_parser(name: str, text: str | None) -> Parser:
    """A command line with --json, of a script that has nothing to do with a stack. `name` is its room and verb."""
    shape = argparse.RawDescriptionHelpFormatter
    line = Parser(prog=f"python -m scripts.{name}", description=text, formatter_class=shape)
    line.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return line


def parsed(line: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says and, where it says nothing, the environment. `make TARGET ARGS=...` adds words:
    options stand before a verb."""
    if arguments is None:
        arguments = [*more_words(line), *sys.argv[1:]]
    options = line.parse_args(arguments)
    try:
        fill_in(options)
    except NotAllowed as refused:
        line.exit(REFUSED, f"swarmline: {refused}\n")
    return options


def run_verb(room: str, text: str | None, verbs: Mapping[str, Callable[[], int]]) -> int:
    """Does what the first word of the command line says; the rest is for that verb."""
    word, *rest = sys.argv[1:] or [""]
    if word not in verbs:
        say(f"{(text or '').strip()}\n\nusage: python -m scripts.{room} {'|'.join(verbs)} ...")
        return 0 if word in ("-h", "--help") else REFUSED
    sys.argv = [word, *rest]
    return verbs[word]()


def add_who_and_why(line: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Adds who acts, and why: both are recorded."""
    line.add_argument("--by", default=Outside("BY", LINE, whoever()), help="who decided this")
    line.add_argument("--why", default=Outside("WHY", LINE, ""), help="the reason, for the ledger")
    return line


def add_break_lock(line: argparse.ArgumentParser) -> argparse.ArgumentParser:
    line.add_argument("--break-lock", action="store_true", help="take over a lock that is held")
    return line


def add_patience(line: argparse.ArgumentParser) -> argparse.ArgumentParser:
    line.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds to wait for a deploy to end"
    )
    return line


def add_back_deadline(line: argparse.ArgumentParser) -> argparse.ArgumentParser:
    line.add_argument(
        "--back-deadline", type=float, default=BACK, help="seconds for going back, if need be"
    )
    return line


def add_rollout(line: argparse.ArgumentParser, watched: float) -> argparse.ArgumentParser:
    """The options of every command that brings something in."""
    add_back_deadline(line)
    line.add_argument(
        "--watch",
        type=float,
        default=Outside("WATCH", NUMBER, watched),
        help="seconds to judge the new replicas after they are in; 0 judges nothing",
    )
    return add_break_lock(add_who_and_why(line))


def is_agreed(question: str) -> bool:
    """Whether a person at a terminal says yes; nobody else does."""
    if not sys.stdin.isatty():
        return False
    say(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def whoever() -> str:
    # A container's user may have no name.
    user = os.environ.get("USER") or str(os.getuid())
    with contextlib.suppress(KeyError, OSError):
        user = getpass.getuser()
    return f"{user}@{socket.gethostname()}"
