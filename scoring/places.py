"""Source and output by what was given: files, or databases where there is a ://."""

from __future__ import annotations

import argparse
from pathlib import Path

from scoring.arguments import format_of
from scoring.errors import ScoringError
from scoring.predictor import Predictor
from scoring.run import Sink, Source
from scoring.sinks.files import FileSink
from scoring.sources.files import Files
from service.bundle.contract import Contract

OUTPUTS = (".parquet", ".csv")

# pylint: disable=import-outside-toplevel  # files need no SQLAlchemy


def open_source(options: argparse.Namespace, contract: Contract) -> Source:
    if "://" not in options.source:
        # Workers of a cluster have folders of their own.
        pattern = str(Path(options.source).absolute()) if options.cluster else options.source
        return Files(pattern, contract, format_of(options), options.part_rows)
    if options.cluster:
        raise ScoringError(
            "SOURCE is a database, which one machine reads in order; with --cluster allowed are files"
        )
    from scoring.sources.query import Query

    return Query(options.source, options.query, options.id, options.part_rows)


def open_sink(options: argparse.Namespace, predictor: Predictor, source: Source) -> Sink:
    if "://" not in options.out:
        out = Path(options.out)
        if isinstance(source, Files) and out.resolve() in [path.resolve() for path in source.paths]:
            raise ScoringError(
                f"OUT={out}: is one of the files of SOURCE; name another, or a glob that leaves it out"
            )
        return _file(out.absolute() if options.cluster else out, predictor)
    if options.cluster:
        raise ScoringError(
            "OUT is a database, which one machine writes; with --cluster allowed are files"
        )
    if not options.table:
        raise ScoringError("TABLE is missing: TABLE=name, in the database that OUT names")
    from scoring.sinks.database import TableSink

    return TableSink(options.out, options.table, predictor.schema, predictor.violations_schema)


def _file(out: Path, predictor: Predictor) -> FileSink:
    if out.suffix not in OUTPUTS:
        raise ScoringError(
            f"OUT={out}: given a file ending in {out.suffix!r}; allowed: {', '.join(OUTPUTS)}, or a database"
            " (postgresql://...) with TABLE="
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    return FileSink(out, predictor.schema, predictor.violations_schema)
