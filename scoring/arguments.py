"""The command line, and what the environment says in its place."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from outside.address import public_text
from outside.command_line import fill_in
from outside.values import LINE, NAME, PLACE, QUERY, TABLE, Outside, checked
from scoring.errors import ScoringError
from scoring.unfinished import PART_ROWS
from tables.csv_format import CsvFormat

FILES = "a .parquet or .csv file"


class _Parser(argparse.ArgumentParser):
    """A wrong use ends with 1; argparse's own 2 is what a table of which nothing could be scored ends with."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ScoringError.exit_code, f"{self.prog}: error: {public_text(message)}\n")


def parser() -> argparse.ArgumentParser:
    line = _Parser(
        prog="python -m scoring", description="A table through a model's bundle, in batches."
    )
    _add_places(line)
    _add_format(line)
    line.add_argument(
        "--cluster", default="", metavar="tcp://HOST:8786", help="score the parts on a Dask cluster"
    )
    line.add_argument(
        "--part-rows",
        type=int,
        default=PART_ROWS,
        metavar="ROWS",
        help="rows that are written, and after an interruption kept, at once (default: %(default)s)",
    )
    line.add_argument(
        "--json", action="store_true", help="the summary as one JSON document on stdout"
    )
    line.add_argument("--traceback", action="store_true", help="show where an error came from")
    return line


def _add_places(line: argparse.ArgumentParser) -> None:
    source = f"{FILES}, a glob of them, or the address of a database"
    out = f"{FILES}, or the address of a database"
    line.add_argument("model", nargs="?", default=Outside("MODEL", NAME, needed="name"))
    line.add_argument(
        "source", nargs="?", default=Outside("SOURCE", PLACE, needed=source), help=source
    )
    line.add_argument("out", nargs="?", default=Outside("OUT", PLACE, needed=out), help=out)
    line.add_argument(
        "--version",
        default=Outside("VERSION", NAME, "champion"),
        help="a number or an alias (default: champion)",
    )
    line.add_argument(
        "--id",
        default=Outside("ID", LINE),
        help="the column that tells rows apart (default: their number)",
    )
    line.add_argument("--query", default=Outside("QUERY", QUERY), help="what is read of a database")
    line.add_argument(
        "--table", default=Outside("TABLE", TABLE), help="what is written of a database"
    )


def _add_format(line: argparse.ArgumentParser) -> None:
    """How a CSV file is written, where it is not as usual."""
    usual = CsvFormat()
    for name in ("separator", "decimal", "thousands", "encoding", "quote"):
        line.add_argument(
            f"--{name}", default=None, help=f"of CSV (default: {getattr(usual, name)!r})"
        )
    line.add_argument(
        "--missing",
        action="append",
        default=None,
        help="a text of CSV that is no value; repeatable",
    )


def format_of(options: argparse.Namespace) -> CsvFormat:
    """As the options say, and where they say nothing as usual."""
    names = [name for name in CsvFormat._fields if getattr(options, name) is not None]
    form = CsvFormat()._replace(**{name: getattr(options, name) for name in names})
    form = form._replace(missing=tuple(form.missing))
    if problems := list(form.problems()):
        raise ScoringError("; ".join(f"--{name}: {text}" for name, text in problems))
    return form


def complete(options: argparse.Namespace) -> None:
    """Fills in what the environment says, where the command line does not."""
    fill_in(options, "")
    # Longer ones would be cut off by the database, and two tables be one.
    checked("TABLE", options.table, TABLE)
    if options.part_rows < 1:
        raise ScoringError(
            f"--part-rows is {options.part_rows}; allowed is a whole number of at least 1"
        )
