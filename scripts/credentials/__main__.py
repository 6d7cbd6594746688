"""The stack's secrets: made at random, rotated, listed; never printed, and never read back from the Swarm.

    python -m scripts.credentials [make] [--certificate FILE --key FILE | --self-signed HOST] [--plain-names]
    python -m scripts.credentials list
    python -m scripts.credentials rotate NAME [--file FILE]
    python -m scripts.credentials add-key NAME --scopes predict,truth [--models a,b]
    python -m scripts.credentials revoke-key NAME

`make` makes what is missing, and takes a new certificate; with --plain-names under the names that stack.yml has, for
`docker stack deploy`. `rotate` makes a new one, or takes what the file holds, of what is given out
elsewhere: monitor_mlflow_password, elastic_key, alert_mail_password, alert_webhook and retrain_token. A change takes
effect with the next `make deploy`, replica by replica. What people need goes to build/secrets/, of a staging stack to a
folder of its name there, for its owner alone. Exit codes: 0 done, 1 refused, 3 deadline.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.command.environments import secrets_folder
from scripts.command.options import parsed, parser
from scripts.command.outcome import Refused, finish
from scripts.credentials import certificates, manage


def command_line() -> argparse.ArgumentParser:
    """The verbs of `make secrets`; without one, `make` is meant."""
    line = parser("credentials", __doc__, manage.DEADLINE)
    _add_making(line)
    verbs = line.add_subparsers(dest="verb")
    verbs.default = "make"
    _add_making(verbs.add_parser("make", help="what is missing"), default=argparse.SUPPRESS)
    verbs.add_parser("list", help="names and ages")
    rotate = verbs.add_parser("rotate", help="a new secret in place of one")
    rotate.add_argument("name")
    rotate.add_argument("--file", type=Path, help="what was given out elsewhere: one line")
    key = verbs.add_parser("add-key", help="an API key")
    key.add_argument("name")
    key.add_argument("--scopes", required=True, help="predict, truth, admin; with commas")
    key.add_argument("--models", default="", help="only these models; with commas")
    verbs.add_parser("revoke-key", help="shut a key out").add_argument("name")
    return line


def _add_making(line: argparse.ArgumentParser, **default: Any) -> None:
    """The options of `make`, which may be said without the word."""
    line.add_argument("--certificate", type=Path, help="PEM: the certificate, its chain", **default)
    line.add_argument("--key", type=Path, help="PEM file: the certificate's key", **default)
    line.add_argument("--self-signed", metavar="HOST", help="make one for this name", **default)
    line.add_argument(
        "--plain-names",
        action="store_true",
        help="STACK-keys and so on, as in stack.yml",
        **default,
    )


def _certificate(options: argparse.Namespace) -> str:
    if bool(options.certificate) != bool(options.key):
        raise Refused("--certificate and --key belong together; give both")
    if options.certificate:
        return certificates.from_files(options.certificate, options.key)
    return certificates.self_signed(options.self_signed) if options.self_signed else ""


def main(arguments: list[str] | None = None) -> int:
    options = parsed(command_line(), arguments)
    return finish(lambda: _act(options), options.json)


def _act(options: argparse.Namespace) -> dict[str, Any]:
    stack, folder = options.stack, secrets_folder(options.stack)
    acts: dict[str, Callable[[], dict[str, Any]]] = {
        "make": lambda: manage.make(stack, folder, _certificate(options), options.plain_names),
        "list": lambda: manage.overview(stack),
        "rotate": lambda: manage.rotate(
            stack, folder, options.name, options.file, options.deadline
        ),
        "add-key": lambda: manage.add_key(
            stack, folder, options.name, options.scopes, options.models
        ),
        "revoke-key": lambda: manage.revoke_key(stack, options.name),
    }
    return acts[options.verb]()


if __name__ == "__main__":
    sys.exit(main())
