"""A scoring from beginning to end: what is left of it is scored, and the output made whole."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import pyarrow as pa

from scoring.cluster import score_on
from scoring.errors import ScoringError
from scoring.predictor import Identifier, Predictor
from scoring.progress import Progress, say
from scoring.run import Sink, Source, covered, score_span
from scoring.unfinished import Done, Part, Scoring, parts_of
from scoring.version import fingerprint
from service.bundle.exported import Bundle


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
    #: By column: values that are none of its categories, and were answered as such.
    others: dict[str, int]

    def __str__(self) -> str:
        words = (
            f"{self.rows:,} rows of {self.source} scored with {self.model}, version {self.version},"
            f" in {self.seconds:,.0f} s: {self.out}"
        )
        if self.violations:
            words += f"\n{self.refused:,} rows were refused, for {self.violations:,} values: {self.violations_in}"
        for name, count in self.others.items():
            words += f"\n{count:,} values of {name} are none of its categories, and were answered as others"
        return words


def make_predictor(bundle: Bundle, source: Source, identifier: str) -> Predictor:
    """What scores the source; a column that it lacks is said."""
    kind = source.type_of(identifier) if identifier else None
    if kind is not None and (pa.types.is_nested(kind) or _is_binary(kind)):
        raise ScoringError(
            f"ID={identifier}: is of {kind}; allowed is a column of numbers, texts or times"
        )
    predictor = Predictor(bundle, Identifier(identifier, kind, source.is_several))
    check_columns(bundle, source)
    return predictor


def _is_binary(kind: pa.DataType) -> bool:
    checks = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(check(kind) for check in checks)


def check_columns(bundle: Bundle, source: Source) -> None:
    """A column that is not there would have every row refused, or null: the first ends it, the second is said."""
    for name, names in source.names():
        there = set(names)
        missing = [column for column in bundle.contract.columns if column.name not in there]
        needed = [column.name for column in missing if not column.nullable]
        if needed:
            raise ScoringError(
                f"SOURCE={name}: has no column {', '.join(needed)}, which {bundle.manifest.model}, version"
                f" {bundle.manifest.version}, needs; it has {', '.join(names)}"
            )
        if missing:
            say(
                f"{name}: has no column {', '.join(column.name for column in missing)}: taken as null in all rows"
            )


def score(
    bundle: Bundle, predictor: Predictor, source: Source, sink: Sink, cluster: str = ""
) -> Summary:
    """All rows of the source. Those that the contract refuses have no prediction."""
    started = time.monotonic()
    scoring = Scoring(
        bundle.manifest.model,
        bundle.manifest.version,
        fingerprint(bundle),
        source.identity,
        # As JSON has them, for they are compared with what was read of it.
        msgspec.to_builtins(
            {**source.options, "identifier": predictor.identifier.name, "part": source.part_rows}
        ),
    )
    with sink.unfinished.held():
        key, done = sink.unfinished.go_on_or_begin(scoring, _key(scoring, source))
        left = list(source.spans(done))
        for part in [part for part in done if covered(left, part)]:
            sink.unfinished.drop(part)
            del done[part]
        with sink.prepared(done):
            if done:
                rows = sum(part.rows for part in done.values())
                say(
                    f"goes on where it was interrupted: {rows:,} rows in {parts_of(done)} are scored already"
                )
            done |= _score_rest(bundle, predictor, source, sink, done, cluster)
            sink.finish(done, key)
        sink.unfinished.remove()
    return _summary(bundle, source, sink, done, time.monotonic() - started)


def _key(scoring: Scoring, source: Source) -> str:
    """Of this scoring. What a query gives may be other rows each time, and nobody can tell."""
    moment = "" if source.tells_changes else dt.datetime.now(dt.UTC).isoformat()
    return hashlib.sha256(msgspec.json.encode(scoring) + moment.encode()).hexdigest()[:16]


def _score_rest(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    bundle: Bundle,
    predictor: Predictor,
    source: Source,
    sink: Sink,
    done: Mapping[Part, Done],
    cluster: str,
) -> dict[Part, Done]:
    progress = Progress(source.total, sum(part.rows for part in done.values()))
    spans = list(source.spans(done))
    if cluster:
        return score_on(cluster, bundle, predictor.identifier, source, sink, spans, progress)
    scored: dict[Part, Done] = {}
    for span in spans:
        scored |= score_span(predictor, source, sink, span, progress.add)
    return scored


def _summary(
    bundle: Bundle, source: Source, sink: Sink, done: Mapping[Part, Done], seconds: float
) -> Summary:
    rows, refused, violations = (
        sum(getattr(part, name) for part in done.values())
        for name in ("rows", "refused", "violations")
    )
    others: Counter[str] = Counter()
    for part in done.values():
        others.update(part.others)
    return Summary(
        bundle.manifest.model,
        bundle.manifest.version,
        source.name,
        sink.place,
        rows,
        refused,
        violations,
        sink.violations_place if violations else "",
        seconds,
        dict(others),
    )
