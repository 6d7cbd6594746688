"""One scoring: its version, source and output put together, what is left done, and the output made whole."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from scoring.errors import ScoringError
from scoring.predictor import Identifier, Predictor
from scoring.progress import Progress, say
from scoring.run import score_span, spans
from scoring.sinks.files import FileSink
from scoring.sources import Files
from scoring.unfinished import Done, Part, Scoring
from scoring.version import fingerprint
from service.bundle.exported import Bundle

OUTPUTS = (".parquet", ".csv")


class Summary(NamedTuple):
    """What a scoring came to."""

    model: str
    version: str
    source: str
    out: str
    rows: int
    refused: int
    violations: int
    #: Where they are; empty without any.
    violations_in: str
    seconds: float

    def __str__(self) -> str:
        words = (
            f"{self.rows:,} rows of {self.source} scored with {self.model}, version {self.version},"
            f" in {self.seconds:,.0f} s: {self.out}"
        )
        if self.violations:
            words += f"\n{self.refused:,} rows were refused, for {self.violations:,} values: {self.violations_in}"
        return words


def score(bundle: Bundle, source: Files, out: str, identifier: str) -> Summary:
    """All rows of the source. Those that the contract refuses have no prediction."""
    started = time.monotonic()
    predictor = Predictor(bundle, _identifier(source, identifier))
    check_columns(bundle, source)
    sink = file_sink(out, predictor)
    scoring = Scoring(
        bundle.manifest.model,
        bundle.manifest.version,
        fingerprint(bundle),
        tuple(source.identity),
        {"identifier": identifier, "rows of a part": source.part_rows},
    )
    with sink.unfinished.held():
        done = sink.unfinished.go_on_or_begin(scoring)
        progress = Progress(source.total, sum(part.rows for part in done.values()))
        for span in list(spans(source, done)):
            done |= score_span(predictor, source, sink, span, progress.add)
        sink.finish(done)
        sink.unfinished.remove()
    return _summary(bundle, source, sink, done, time.monotonic() - started)


def _identifier(source: Files, name: str) -> Identifier:
    return Identifier(name, source.type_of(name) if name else None, source.is_glob)


def file_sink(out: str, predictor: Predictor) -> FileSink:
    path = Path(out)
    if path.suffix not in OUTPUTS:
        raise ScoringError(
            f"OUT={out}: given a file ending in {path.suffix!r}; allowed: {', '.join(OUTPUTS)}, or a database"
            " (postgresql://...) with TABLE="
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileSink(path, predictor.schema, predictor.violations_schema)


def check_columns(bundle: Bundle, source: Files) -> None:
    """A column that is not there would have every row refused, or null: the first is said at once, the second once."""
    for file, names in source.names():
        there = set(names)
        missing = [column for column in bundle.contract.columns if column.name not in there]
        needed = [column.name for column in missing if not column.nullable]
        if needed:
            raise ScoringError(
                f"SOURCE={file}: has no column {', '.join(needed)}, which {bundle.manifest.model}, version"
                f" {bundle.manifest.version}, needs; it has {', '.join(names)}"
            )
        if missing:
            say(
                f"{file}: has no column {', '.join(column.name for column in missing)}: taken as null in all rows"
            )


def _summary(
    bundle: Bundle, source: Files, sink: FileSink, done: Mapping[Part, Done], seconds: float
) -> Summary:
    rows, refused, violations = (
        sum(getattr(part, name) for part in done.values())
        for name in ("rows", "refused", "violations")
    )
    return Summary(
        bundle.manifest.model,
        bundle.manifest.version,
        source.pattern,
        str(sink.out),
        rows,
        refused,
        violations,
        str(sink.violations_file) if violations else "",
        seconds,
    )
