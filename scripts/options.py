"""What the scripts' command lines have in common."""

from __future__ import annotations

import argparse
import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path

BACK = 300.0


def parser(name: str, text: str | None, deadline: float | None = None) -> argparse.ArgumentParser:
    """A command line with --stack and --json, and with --deadline where the script waits."""
    made = argparse.ArgumentParser(
        prog=f"python -m scripts.{name}",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--stack", default=os.environ.get("STACK") or "swarmline")
    made.add_argument("--json", action="store_true", help="one JSON document on stdout")
    if deadline is not None:
        made.add_argument("--deadline", type=float, default=deadline, help="seconds to be done in")
    return made


def signed(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Adds who acts, and why: both are recorded."""
    made.add_argument("--by", default=whoever(), help="who decided this")
    why = os.environ.get("WHY", "")
    made.add_argument("--why", default=why, help="the reason, for the ledger")
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
        default=float(os.environ.get("WATCH") or watched),
        help="seconds to judge the new replicas after they are in; 0 judges nothing",
    )
    return signed(made)


def whoever() -> str:
    return os.environ.get("BY") or f"{getpass.getuser()}@{socket.gethostname()}"


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
