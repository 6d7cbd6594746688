"""The command line of `make secrets`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from scripts.command.options import parser


def command_line(text: str | None, deadline: float) -> argparse.ArgumentParser:
    """The verbs of `make secrets`; without one, `make` is meant."""
    made = parser("secrets", text, deadline)
    _of_make(made)
    verbs = made.add_subparsers(dest="verb")
    verbs.default = "make"
    _of_make(verbs.add_parser("make", help="what is missing"), default=argparse.SUPPRESS)
    verbs.add_parser("list", help="names and ages")
    verbs.add_parser("rotate", help="a new secret in place of one").add_argument("name")
    one = verbs.add_parser("add-key", help="an API key")
    one.add_argument("name")
    one.add_argument("--scopes", required=True, help="predict, truth, admin; with commas")
    one.add_argument("--models", default="", help="only these models; with commas")
    verbs.add_parser("revoke-key", help="shut a key out").add_argument("name")
    return made


def _of_make(made: argparse.ArgumentParser, **default: Any) -> None:
    """The options of `make`, which may be said without the word."""
    made.add_argument("--certificate", type=Path, help="PEM: the certificate, its chain", **default)
    made.add_argument("--key", type=Path, help="PEM file: the certificate's key", **default)
    made.add_argument("--self-signed", metavar="HOST", help="make one for this name", **default)
    made.add_argument(
        "--plain-names",
        action="store_true",
        help="STACK-keys and so on, as in stack.yml",
        **default,
    )
