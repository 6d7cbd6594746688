"""Which windows there are, and which of them are due."""

from __future__ import annotations

import datetime as dt

from monitoring.window.spans import changed_spans, due_spans, pieces, span_at, watermark
from monitoring.window.values import Span

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_spans_of_a_day_begin_at_midnight_utc_and_are_half_open() -> None:
    day = Span(at("2026-01-31"), at("2026-02-01"))
    assert span_at(DAY, at("2026-01-31T23:59:59.999999")) == day
    assert span_at(DAY, at("2026-02-01")).start == day.end


def test_a_window_is_due_once_the_journal_is_complete_up_to_its_end() -> None:
    judged = at("2026-01-31T08:00")
    assert not due_spans(HOUR, judged, at("2026-01-31T08:59:59"))
    assert due_spans(HOUR, judged, at("2026-01-31T09:00")) == [Span(judged, judged + HOUR)]
    assert watermark(at("2026-01-31T09:01"), lag=30, allowance=30) == at("2026-01-31T09:00")


def test_the_first_window_is_that_of_the_first_row_or_else_the_newest() -> None:
    first_row, now = at("2026-01-31T07:20"), at("2026-01-31T09:30")
    assert [span.start.hour for span in due_spans(HOUR, first_row, now)] == [7, 8]
    assert [span.start.hour for span in due_spans(HOUR, None, now)] == [8]


def test_a_monitor_that_was_away_is_due_all_windows_since() -> None:
    spans = due_spans(HOUR, at("2026-01-01"), at("2026-01-31T09:30"))
    assert len(spans) == 30 * 24 + 9 and spans[0].start == at("2026-01-01")


def test_truth_changes_the_windows_of_its_predictions_alone() -> None:
    spans = [Span(at(f"2026-01-31T0{hour}:00"), at(f"2026-01-31T0{hour}:30")) for hour in range(5)]
    minutes = [int(at(text).timestamp()) // 60 for text in ("2026-01-31T01:29", "2026-01-31T03:30")]
    assert changed_spans(spans, minutes) == [spans[1]]


def test_a_window_of_more_rows_than_are_read_is_read_in_pieces_spread_over_it() -> None:
    span = Span(at("2026-01-31"), at("2026-02-01"))
    assert pieces(span, 1000, most=1000) == [span]
    short = pieces(span, 100_000, most=1000, count=50)
    together = sum((piece.end - piece.start for piece in short), dt.timedelta())
    assert len(short) == 50 and abs(together - DAY / 100) < dt.timedelta(seconds=1)
    assert all(before.end < after.start for before, after in zip(short, short[1:]))
    assert span.start < short[0].start and short[-1].end < span.end
