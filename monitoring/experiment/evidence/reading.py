"""What the journal has of an experiment: by stage and unit the rows, their truth and losses, and slow requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monitoring.experiment.evidence.collected import Collected, CollectedPairs
from monitoring.experiment.values import Kind, Stage
from monitoring.window.connection import STATEMENT_SECONDS, JournalConnection
from monitoring.window.journal import JournalReader
from monitoring.window.sampled import ALL
from monitoring.window.values import Arm, Span

STATEMENTS = Path(__file__).parent / "statements"
#: The service's objective for latency; `le="0.25"` in stack/monitoring/rules.yml is the same.
SLOW_MS = 250.0
#: Predictions that are read; of more, half of the units are, or a quarter, and so on.
MOST_READ = 1_000_000
#: A shadow predicts after the champion, by as long as it was busy.
SHADOW_DELAY = dt.timedelta(hours=1)
NEWEST_PAIRS = 5_000


class Pair(NamedTuple):
    """The versions that are compared."""

    model: str
    champion: str
    challenger: str


class Journalled(NamedTuple):
    """All stages. `kind` is how the challenger is asked in the newest in which it predicted."""

    kind: Kind
    split: Collected
    shadow: CollectedPairs
    #: Of the units that were read.
    part: float


class ExperimentReader:
    """Safe between threads. Every method raises Unavailable when the journal does not answer."""

    def __init__(
        self, url: str, journal: JournalReader, statement_seconds: float = STATEMENT_SECONDS
    ):
        self._connection = JournalConnection(url, statement_seconds, STATEMENTS)
        self._journal = journal

    def close(self) -> None:
        self._connection.close()

    def first(self, pair: Pair, span: Span) -> dt.datetime | None:
        """When the challenger first predicted in the span."""
        return self._journal.count(Arm(pair.model, pair.challenger, "challenger"), span).first

    def read(self, pair: Pair, stages: Sequence[Stage], until: dt.datetime) -> Journalled:
        part, threshold = self._part(pair, Span(stages[0].start, until))
        split, shadow = Collected(), CollectedPairs()
        kind: Kind = "none"
        for stage, span in _spans(stages, until):
            asked = self._kind(pair, stage, span)
            kind = kind if asked == "none" else asked
            more = {"threshold": threshold, "slow_ms": SLOW_MS}
            if asked == "split":
                split.begin(stage.share)
                for number, arm in enumerate(("champion", "challenger")):
                    version = getattr(pair, arm)
                    words = {"version": version, "arm": arm} | more
                    for record in self._records("units", pair, span, words):
                        split.add(number, record)
            elif asked == "shadow":
                for record in self._records("pairs", pair, span, more):
                    shadow.add(record)
        return Journalled(kind, split, shadow, part)

    def newest_pairs(self, pair: Pair, since: dt.datetime, until: dt.datetime) -> list[Any]:
        """Records of newest_pairs.sql."""
        words = {"limit": NEWEST_PAIRS}
        return list(self._records("newest_pairs", pair, Span(since, until), words))

    def _records(self, name: str, pair: Pair, span: Span, more: dict[str, Any]) -> Iterator[Any]:
        with self._connection.rows(name, _where(pair, span) | more) as chunks:
            for chunk in chunks:
                yield from chunk

    def _kind(self, pair: Pair, stage: Stage, span: Span) -> Kind:
        """By what the journal has: a challenger without a share is a shadow, or is not asked at all."""
        if stage.share:
            return "split"
        [(asked, shadowed)] = self._connection.read("shadowed", _where(pair, span))
        if asked and 2 * shadowed > asked:
            return "shadow"
        # Who names an arm, as a deploy's smoke test does, is no caller of an experiment.
        return "split" if asked and stage.share is None else "none"

    def _part(self, pair: Pair, span: Span) -> tuple[float, str]:
        """The share of units that are read, and below which hashes they are. Those of a half are in the whole."""
        rows = sum(
            self._journal.count(Arm(pair.model, getattr(pair, arm), arm), span).predictions
            for arm in ("champion", "challenger")
        )
        halvings = 0
        while rows > MOST_READ * 2**halvings:
            halvings += 1
        return 0.5**halvings, f"{2**32 >> halvings:08x}" if halvings else ALL


def _where(pair: Pair, span: Span) -> dict[str, Any]:
    return {**pair._asdict(), **span._asdict(), "before": span.start - SHADOW_DELAY}


def _spans(stages: Sequence[Stage], until: dt.datetime) -> Iterator[tuple[Stage, Span]]:
    """Each stage up to the next; those that begin after the journal is complete are not read yet."""
    ends = [*(stage.start for stage in stages[1:]), until]
    for stage, end in zip(stages, ends, strict=True):
        span = Span(stage.start, min(end, until))
        if span.start < span.end:
            yield stage, span
