"""The command line: `python -m scoring MODEL SOURCE OUT`, or the same from the environment (`make score`)."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scoring.arguments import complete, parser
from scoring.errors import NothingScored, ScoringError
from scoring.progress import say
from tables.address import public_text
from tables.errors import TableError


def main(words: Sequence[str] | None = None) -> int:
    options = parser().parse_args(_words() if words is None else words)
    try:
        complete(options)
        _score(options)
    except ScoringError as error:
        return _end_with(error, options.traceback, error.exit_code)
    except (TableError, OSError) as error:
        return _end_with(error, options.traceback)
    except _errors_of_databases() as error:
        return _end_with(error, options.traceback)
    except KeyboardInterrupt:
        say("stopped; what is scored is kept, and the same command goes on from there")
        return 130
    return 0


def _score(options: argparse.Namespace) -> None:
    # pylint: disable=import-outside-toplevel  # a wrong use is said at once
    from scoring.job import make_predictor, score
    from scoring.places import open_sink, open_source
    from scoring.version import load_version

    bundles = Path(os.environ.get("BUNDLES") or "build/bundles")
    bundle = load_version(bundles, options.model, options.version)
    with contextlib.closing(open_source(options, bundle.contract)) as source:
        predictor = make_predictor(bundle, source, options.id)
        sink = open_sink(options, predictor, source)
        summary = score(bundle, predictor, source, sink, options.cluster)
    say(str(summary))
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(summary._asdict()) + b"\n")
    if summary.rows == summary.refused > 0:
        raise NothingScored(
            "the contract refuses each row of the table; is it a table for this model?"
        )


def _errors_of_databases() -> tuple[type[Exception], ...]:
    """Asked once one was raised, when what is in use is imported."""
    if "sqlalchemy" not in sys.modules:
        return ()
    # pylint: disable-next=import-outside-toplevel
    from sqlalchemy.exc import SQLAlchemyError

    return (SQLAlchemyError,)


def _end_with(error: Exception, with_traceback: bool, code: int = 1) -> int:
    if with_traceback:
        traceback.print_exc()
    reason = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    say(f"error: {public_text(reason)}")
    return code


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
