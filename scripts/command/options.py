"""What the scripts' command lines have in common: options, and values from outside, checked before they count.

A value from outside comes by the environment: Make and Jenkins put it there as it was given, and no shell sees it.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import re
import shlex
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from scripts.command.outcome import REFUSED, Refused

BACK = 300.0


class Allowed(NamedTuple):
    """What a value from outside may be: the whole of it matches the pattern, which the words describe."""

    pattern: str
    words: str
    #: Not shown where it is refused.
    is_secret: bool = False


_NAME = r"\w[\w.-]{0,99}"
NAME = Allowed(_NAME, "a name of letters, digits, . _ and -, 100 at most")
NAMES = Allowed(f"{_NAME}( +{_NAME})*", "names of letters, digits, . _ and -, with spaces between")
NUMBER = Allowed(r"\d{1,9}(\.\d{1,9})?", "a number, as in 5 or 0.5")
FLAG = Allowed("1|true|yes|on|0|false|no|off", "1 or 0, true or false")
IMAGE = Allowed(r"\w[\w.:/@+-]{0,499}", "an image, as in registry/name@sha256:...")
IDENTITY = Allowed(r"[A-Za-z0-9._:-]{1,128}", "an id of letters, digits and ._:-, 128 at most")
#: No control character, no separator of lines; one that begins with - would be taken for an option.
_TEXT = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
LINE = Allowed(f"{_TEXT}{{0,1000}}", "one line of text, 1000 characters at most")
ADDRESS = Allowed(f"{_TEXT}{{0,4000}}", "an address without control characters", is_secret=True)
PATH = Allowed(f"(?!-){_TEXT}{{0,4000}}", "a path without control characters")


def choice(*words: str) -> Allowed:
    return Allowed("|".join(map(re.escape, words)), f"one of {', '.join(words)}")


def parameter(name: str, allowed: Allowed = LINE) -> str:
    """What the environment has under this name, or nothing; refused where that is not allowed."""
    text = os.environ.get(name, "").strip()
    if text and not re.fullmatch(allowed.pattern, text):
        given = "not what it may be" if allowed.is_secret else repr(text[:80])
        raise Refused(f"{name} is {given}; allowed is {allowed.words}")
    return text


class Outside(NamedTuple):
    """The default of an option that the environment may give; looked up only when the option is wanted."""

    name: str
    allowed: Allowed = LINE
    otherwise: str | float | None = None
    #: Where nothing will do in its place: what it says.
    needed: str = ""

    def value(self) -> str | float | bool | None:
        text = parameter(self.name, self.allowed)
        if self.allowed is FLAG:
            return text in ("1", "true", "yes", "on")
        if not text and self.needed:
            raise Refused(f"{self.name} is missing: {self.name}={self.needed}")
        if not text:
            return self.otherwise
        return float(text) if self.allowed is NUMBER else text


class Parser(argparse.ArgumentParser):
    """A wrong use ends with 1, as all that is refused: argparse's own 2 means that a release was rolled back."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(REFUSED, f"{self.prog}: error: {message}\n")


def parser(name: str, text: str | None, deadline: float | None = None) -> Parser:
    """A command line with --stack and --json, and with --deadline where the script waits."""
    made = plain_parser(name, text)
    made.add_argument("--stack", default=Outside("STACK", NAME, "swarmline"))
    if deadline is not None:
        made.add_argument("--deadline", type=float, default=deadline, help="seconds to be done in")
    return made


def plain_parser(name: str, text: str | None) -> Parser:
    """A command line with --json, of a script that has nothing to do with a stack."""
    shape = argparse.RawDescriptionHelpFormatter
    made = Parser(prog=f"python -m scripts.{name}", description=text, formatter_class=shape)
    made.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return made


def parsed(made: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says and, where it says nothing, the environment. `make TARGET ARGS=...` adds words:
    options stand before a verb."""
    if arguments is None:
        arguments = [*_more_words(made), *sys.argv[1:]]
    options = made.parse_args(arguments)
    try:
        for name, value in vars(options).items():
            if isinstance(value, Outside):
                setattr(options, name, value.value())
    except Refused as refused:
        made.exit(REFUSED, f"swarmline: {refused}\n")
    return options


def _more_words(made: argparse.ArgumentParser) -> list[str]:
    """The words of ARGS, divided as a shell does it and never shown to one."""
    words: list[str] = []
    try:
        words = shlex.split(os.environ.get("ARGS", ""))
    except ValueError as error:
        made.error(f"ARGS cannot be divided into words: {error}")
    return words


def signed(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Adds who acts, and why: both are recorded."""
    made.add_argument("--by", default=Outside("BY", LINE, whoever()), help="who decided this")
    made.add_argument("--why", default=Outside("WHY", LINE, ""), help="the reason, for the ledger")
    made.add_argument("--break-lock", action="store_true", help="take over a lock that is held")
    return made


def waiting(made: argparse.ArgumentParser, watched: float) -> argparse.ArgumentParser:
    """The options of every command that brings something in."""
    made.add_argument(
        "--back-deadline", type=float, default=BACK, help="seconds for going back, if need be"
    )
    made.add_argument(
        "--watch",
        type=float,
        default=Outside("WATCH", NUMBER, watched),
        help="seconds to judge the new replicas after they are in; 0 judges nothing",
    )
    return signed(made)


def whoever() -> str:
    # A container's user may have no name.
    user = os.environ.get("USER") or str(os.getuid())
    with contextlib.suppress(KeyError, OSError):
        user = getpass.getuser()
    return f"{user}@{socket.gethostname()}"


def bundles() -> Path:
    """Where training exports to."""
    return Path(os.environ.get("SWARMLINE_BUNDLES") or build() / "bundles")


def reports(environ: Mapping[str, str] = os.environ) -> Path:
    """What a build publishes on its page."""
    return Path(environ.get("SWARMLINE_REPORTS") or build(environ) / "reports")


def outcome_file() -> Path:
    """Where the outcome of what was brought in is kept, for Jenkins' report."""
    return build() / "release" / "deploy.json"


def build(environ: Mapping[str, str] = os.environ) -> Path:
    """Where everything that is made goes. A variable that is empty is as one that is not set."""
    return Path(environ.get("SWARMLINE_BUILD") or "build")
