"""Spans of time that windows have: aligned to UTC, half-open, due once the journal is complete up to their end."""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Iterable, Sequence

from monitoring.window.values import Span

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def span_at(length: dt.timedelta, moment: dt.datetime) -> Span:
    """The span of this length that a moment lies in. All begin at whole multiples of it since 1970."""
    start = EPOCH + (moment - EPOCH) // length * length
    return Span(start, start + length)


def due_spans(length: dt.timedelta, since: dt.datetime | None, complete: dt.datetime) -> list[Span]:
    """The spans that ended by `complete`, oldest first: of those that end after `since`.

    `complete` is the journal's watermark. `since` is the end of the last that was judged, or when the first row came;
    None: only the newest.
    """
    span = span_at(length, complete)
    spans: list[Span] = []
    while since or not spans:
        span = Span(span.start - length, span.start)
        # A span that began before the first row is due as well: its rows are all there are.
        if since is not None and span.end <= since:
            break
        spans.append(span)
    return spans[::-1]


def watermark(now: dt.datetime, lag: float, allowance: float = 30.0) -> dt.datetime:
    """Up to here the journal is complete: `lag` is the longest that a replica says, `allowance` is on top."""
    return now - dt.timedelta(seconds=lag + allowance)


def changed_spans(spans: Iterable[Span], minutes: Sequence[int]) -> list[Span]:
    """Those of the spans in which one of these minutes since 1970 lies."""
    moments = sorted(EPOCH + dt.timedelta(minutes=minute) for minute in minutes)
    minute = dt.timedelta(minutes=1)

    def has_one(span: Span) -> bool:
        # The first minute that ends after the span began.
        place = bisect.bisect_right(moments, span.start - minute)
        return place < len(moments) and moments[place] < span.end

    return [span for span in spans if has_one(span)]


def pieces(span: Span, rows: int, most: int, count: int = 200) -> list[Span]:
    """The whole span where it has no more than `most` rows; else so many short pieces of it, spread evenly, with about
    `most` rows together."""
    if rows <= most:
        return [span]
    step = (span.end - span.start) / count
    length = step * (most / rows)
    # In the middle of each step.
    starts = (span.start + step * number + (step - length) / 2 for number in range(count))
    return [Span(start, start + length) for start in starts]
