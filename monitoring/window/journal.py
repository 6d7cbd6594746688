"""The journal as the monitor reads it: which arms there are, their windows, and the truth of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from monitoring.window import sampled
from monitoring.window.connection import STATEMENT_SECONDS, JournalConnection, as_time
from monitoring.window.sampled import Rows
from monitoring.window.spans import EPOCH, pieces
from monitoring.window.values import Arm, Count, Part, Span, TruthRows, Window
from service.bundle.contract import Contract

#: Rows of a sample, and rows that are read through for one: of more, short pieces of the window are.
SAMPLE, MOST_READ = 20_000, 2_000_000
#: To count more than this by the index alone may take longer than a statement may.
MOST_COUNTED = 10_000_000
DAY = dt.timedelta(days=1)


class JournalReader:
    """Safe between threads: they take turns. Every method raises Unavailable when the journal does not answer."""

    def __init__(self, url: str, statement_seconds: float = STATEMENT_SECONDS):
        self._connection = JournalConnection(url, statement_seconds)

    def close(self) -> None:
        self._connection.close()

    def newest(self, since: dt.datetime) -> dt.datetime | None:
        """When the newest prediction was made; None where there is none since then."""
        moments = {"start": since, "first_day": _day_of(since)}
        [(at,)] = self._connection.read("newest", moments)
        return as_time(at)

    def seen(self, span: Span) -> list[Arm]:
        """Those that predicted on the days of the span, without looking at their rows."""
        # Whole days: the bounds choose partitions, and no row has to be looked at for its time.
        last_day = EPOCH + -((EPOCH - span.end) // DAY) * DAY
        days = {"first_day": _day_of(span.start), "last_day": last_day}
        return [Arm(*row) for row in self._connection.read("arms", days)]

    def arms(self, span: Span) -> dict[Arm, Count]:
        """Those that predicted in the span."""
        counts = {arm: self.count(arm, span) for arm in self.seen(span)}
        return {arm: count for arm, count in counts.items() if count.predictions}

    def count(self, arm: Arm, span: Span) -> Count:
        """Of very many it is a projection from short pieces of the span, as are all counts of such a window."""
        expected = self._expected(arm, span)
        if expected <= MOST_COUNTED:
            return self._count(arm, span)
        read = pieces(span, expected, MOST_READ)
        counted = sum(self._count(arm, piece).predictions for piece in read)
        share = sum((piece.end - piece.start for piece in read), dt.timedelta()) / (
            span.end - span.start
        )
        [(first, last)] = self._connection.read("ends", _where(arm, span))
        return Count(round(counted / share), as_time(first), as_time(last))

    def _count(self, arm: Arm, span: Span) -> Count:
        [(predictions, first, last)] = self._connection.read("count", _where(arm, span))
        return Count(predictions, as_time(first), as_time(last))

    def _expected(self, arm: Arm, span: Span) -> int:
        """As the planner expects, without counting. Nobody's SQLite is so large."""
        if self._connection.sqlite:
            return 0
        [(plan,)] = self._connection.read("estimate", _where(arm, span))
        return int(plan[0]["Plan"]["Plan Rows"])

    def row_spans(
        self, arm: Arm, rows: int, since: dt.datetime, watermark: dt.datetime, most: int = 100
    ) -> list[Span]:
        """Spans of so many rows each, one after the other from `since`, as far as they are full by the watermark.

        Rows of one request have one time, and stay together: a span has the rest of its last request as well.
        """
        spans: list[Span] = []
        while len(spans) < most:
            rest = _where(arm, Span(since, watermark)) | {"skip": rows - 1}
            ends = self._connection.read("row_end", rest)
            if not ends:
                break
            end = as_time(ends[0][0]) or watermark
            spans.append(Span(since, end + dt.timedelta(microseconds=1)))
            since = spans[-1].end
        return spans

    def window(
        self, arm: Arm, span: Span, contract: Contract, seed: int, limit: int = SAMPLE
    ) -> Window:
        """Counts of all rows, and `limit` of them at most: the same ones at every run with this seed."""
        total = self.count(arm, span)
        part = self._part(arm, span, total)
        rows, requests = self._total("distinct", arm, part)
        sample = self._sample("sample", arm, part, contract, (seed, rows, limit))
        return Window(
            *arm,
            span,
            round(rows * part.factor),
            *(sample.matrix, sample.values, sample.probabilities),
            sample.at,
            total.first,
            total.last,
            seed,
            round(requests * part.factor),
            self._release(arm, span),
            sampled.latency_quantiles(sample),
            part,
        )

    def truth(self, window: Window, contract: Contract, limit: int = SAMPLE) -> TruthRows:
        """Of the rows of a window, those whose truth is in; of these, `limit` at most. Nothing is counted anew."""
        arm, part = Arm(window.model, window.version, window.arm), window.part
        with_truth, corrected = self._total("truth_count", arm, part)
        sample = self._sample("truth_sample", arm, part, contract, (window.seed, with_truth, limit))
        assert sample.truth is not None and sample.received is not None
        delay = np.maximum(sample.received - sample.at, 0.0)
        with_truth, corrected = (round(number * part.factor) for number in (with_truth, corrected))
        return TruthRows(
            window.rows,
            with_truth,
            *(sample.matrix, sample.values, sample.probabilities),
            sample.truth,
            delay,
            corrected,
        )

    def truth_minutes(self, model: str, since: dt.datetime, oldest: dt.datetime) -> list[int]:
        """The minutes since 1970 of whose predictions truth came since then; see `spans.changed_spans`."""
        parameters = {"model": model, "since": since, "oldest": oldest}
        return [minute for (minute,) in self._connection.read("truth_minutes", parameters)]

    def _release(self, arm: Arm, span: Span) -> str:
        """The newest, where there were several."""
        releases = self._connection.read("release", _where(arm, span))
        return str(releases[0][0]) if releases else ""

    def _part(self, arm: Arm, span: Span, total: Count) -> Part:
        if not total.predictions:
            return Part()
        read = tuple(pieces(span, total.predictions, MOST_READ))
        if len(read) == 1:
            return Part(read)
        in_pieces = sum(self._count(arm, piece).predictions for piece in read)
        return Part(read, total.predictions / max(in_pieces, 1))

    def _total(self, name: str, arm: Arm, part: Part) -> tuple[int, int]:
        """The sums of a statement's two numbers over the pieces."""
        totals = (0, 0)
        for piece in part.pieces:
            [(first, second)] = self._connection.read(name, _where(arm, piece))
            totals = totals[0] + first, totals[1] + second
        return totals

    def _sample(
        self,
        name: str,
        arm: Arm,
        part: Part,
        contract: Contract,
        draw: tuple[int, int, int],
    ) -> Rows:
        """`draw` is the seed, the rows to draw from, and how many."""
        seed, rows, limit = draw
        chosen = {"threshold": sampled.threshold(rows, limit), "seed": seed}
        with_truth = name == "truth_sample"
        parts: list[Rows] = []
        for piece in part.pieces if rows else ():
            most = sampled.most_rows(limit, len(part.pieces))
            parameters = _where(arm, piece) | chosen | {"limit": most}
            with self._connection.rows(name, parameters) as chunks:
                parts += [sampled.rows_of(contract, chunk, with_truth) for chunk in chunks]
        return sampled.sample_of(
            parts or [sampled.rows_of(contract, (), with_truth)], contract, limit
        )


def _where(arm: Arm, span: Span) -> dict[str, Any]:
    return {"model": arm.model, "version": arm.version, "arm": arm.name, **span._asdict()}


def _day_of(at: dt.datetime) -> dt.datetime:
    """When its day began."""
    return EPOCH + (at - EPOCH) // DAY * DAY
