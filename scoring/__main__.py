"""The command line: `python -m scoring MODEL SOURCE OUT`, or the same from the environment (`make score`)."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from scoring.errors import NothingScored, ScoringError
from scoring.parameters import LINE, NAME, PLACE, Outside
from scoring.progress import say
from scoring.unfinished import PART_ROWS
from tables.address import public_text
from tables.errors import TableError


class _Parser(argparse.ArgumentParser):
    """A wrong use ends with 1; argparse's own 2 is what a table of which nothing could be scored ends with."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ScoringError.exit_code, f"{self.prog}: error: {public_text(message)}\n")


def parser() -> argparse.ArgumentParser:
    line = _Parser(
        prog="python -m scoring", description="A table through a model's bundle, in batches."
    )
    line.add_argument("model", nargs="?", default=Outside("MODEL", NAME, needed="name"))
    line.add_argument(
        "source",
        nargs="?",
        default=Outside(
            "SOURCE", PLACE, needed="a .parquet or .csv file, a glob of them, or a database"
        ),
        help="a .parquet or .csv file, a glob of them, or the address of a database",
    )
    line.add_argument(
        "out",
        nargs="?",
        default=Outside("OUT", PLACE, needed="a .parquet or .csv file, or a database"),
        help="a .parquet or .csv file, or the address of a database",
    )
    line.add_argument(
        "--version",
        default=Outside("VERSION", NAME, "champion"),
        help="a number or an alias (default: champion)",
    )
    line.add_argument(
        "--id",
        default=Outside("ID", LINE),
        help="the column that tells rows (default: their number)",
    )
    line.add_argument(
        "--part-rows",
        type=int,
        default=PART_ROWS,
        metavar="ROWS",
        help="rows that are written, and after an interruption kept, at once (default: %(default)s)",
    )
    line.add_argument("--json", action="store_true", help="one JSON document on stdout")
    line.add_argument("--traceback", action="store_true", help="show where an error came from")
    return line


def main(words: Sequence[str] | None = None) -> int:
    options = parser().parse_args(_words() if words is None else words)
    try:
        for name, value in vars(options).items():
            if isinstance(value, Outside):
                setattr(options, name, value.value())
        if options.part_rows < 1:
            raise ScoringError(
                f"--part-rows is {options.part_rows}; allowed is a whole number of at least 1"
            )
        _score(options)
    except (ScoringError, TableError, OSError) as error:
        if options.traceback:
            traceback.print_exc()
        say(f"error: {public_text(str(error))}")
        return getattr(error, "exit_code", 1)
    except KeyboardInterrupt:
        say("stopped; what is scored is kept, and the same command goes on from there")
        return 130
    return 0


def _score(options: argparse.Namespace) -> None:
    # pylint: disable=import-outside-toplevel  # a wrong use is said at once
    from scoring.job import score
    from scoring.sources import Files
    from scoring.version import load_version

    bundles = Path(os.environ.get("BUNDLES") or "build/bundles")
    bundle = load_version(bundles, options.model, options.version)
    source = Files(options.source, options.part_rows)
    summary = score(bundle, source, options.out, options.id)
    say(public_text(str(summary)))
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(summary._asdict()) + b"\n")
    if summary.rows == summary.refused > 0:
        raise NothingScored(
            "the contract refuses each row of the table; is it a table for this model?"
        )


def _words() -> list[str]:
    """The command line, and after it the words of ARGS, divided as a shell does it and never shown to one."""
    try:
        return [*sys.argv[1:], *shlex.split(os.environ.get("ARGS", ""))]
    except ValueError as error:
        parser().error(f"ARGS cannot be divided into words: {error}")


if __name__ == "__main__":
    # A build that is aborted gets TERM: it ends as by Ctrl-C, and what is written stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
