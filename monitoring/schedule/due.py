"""Which windows of an arm are due: those that ended and were not judged, and those of which more is known by now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from monitoring.findings import Store, WindowRecord
from monitoring.schedule.clock import Moment
from monitoring.window.journal import JournalReader
from monitoring.window.spans import changed_spans, due_spans
from monitoring.window.values import Arm, Count, Span

Length = dt.timedelta | int
#: A version that was never judged is judged by so many windows of before, so that an alarm can be decided at once.
FIRST_WINDOWS = 3
#: So many windows without a row are kept after one with rows; after that the arm is silent, not broken.
EMPTY_WINDOWS = 3
#: New windows of an arm in one look: a monitor that was away catches up look by look, and other arms have their turn.
MOST_NEW = 100
#: Windows whose rows are counted anew, and windows judged again in one look.
MOST_SEARCHED, MOST_AGAIN = 500, 10
#: Of an arm; a month of hours is 744. In windows of a minute, truth is taken in for three days.
MOST_WITH_TRUTH = 5_000
#: Truth may have been received, and not yet be there to be read, for so long.
COMMIT = dt.timedelta(seconds=10)
ONE_DAY = dt.timedelta(days=1)


class Due(NamedTuple):
    """A window to be judged, with what the journal counts in it."""

    span: Span
    predictions: int
    #: Of one that is judged again, as it was judged.
    former: WindowRecord | None = None


def new_windows(
    journal: JournalReader,
    arm: Arm,
    length: Length,
    records: Sequence[WindowRecord],
    moment: Moment,
    lookback: dt.timedelta,
) -> Iterator[Due]:
    """The oldest first. `records` are the judged ones, the newest first."""
    oldest = moment.watermark - lookback
    since = max(records[0].end, oldest) if records else None
    if isinstance(length, int):
        since = since or max(oldest, moment.watermark - ONE_DAY)
        spans = journal.row_spans(arm, length, since, moment.watermark)
    else:
        since = since or moment.watermark - FIRST_WINDOWS * length
        spans = due_spans(length, since, moment.watermark)
    if not spans:
        return
    follows = bool(records) and spans[0].start <= records[0].end
    empty = _empty_at_end(records) if follows else EMPTY_WINDOWS
    has_begun = follows
    # Of an arm that nobody asks any more there is one question, not one a window.
    rest = journal.count(arm, Span(spans[0].start, spans[-1].end))
    new = 0
    for span in spans:
        asked = len(spans) > 1 and _reaches(rest, span)
        predictions = journal.count(arm, span).predictions if asked else 0
        if len(spans) == 1:
            predictions = rest.predictions
        # What was before the first row of an arm, or long after its last, is no hole.
        empty = 0 if predictions else empty + 1
        has_begun = has_begun or bool(predictions)
        if empty <= EMPTY_WINDOWS or (has_begun and _may_fill(span, rest, moment)):
            yield Due(span, predictions)
            new += 1
            if new == MOST_NEW:
                return
        elif asked:
            # To the end of a hole there is one question as well.
            rest = journal.count(arm, Span(span.end, spans[-1].end))


def _may_fill(span: Span, rest: Count, moment: Moment) -> bool:
    """Whether a window without rows that later ones follow may get some: a spool lags.

    Once a later window was judged, nobody would look for rows in one that is not kept.
    """
    return rest.last is not None and rest.last >= span.end > moment.complete


def _reaches(count: Count, span: Span) -> bool:
    """Whether the span may have any of these predictions."""
    if count.first is None or count.last is None:
        return False
    return count.first < span.end and span.start <= count.last


def _empty_at_end(records: Sequence[WindowRecord]) -> int:
    """So many of the newest windows had no row."""
    with_rows = (place for place, record in enumerate(records) if record.rows)
    return next(with_rows, EMPTY_WINDOWS)


def mark_by_truth(
    store: Store,
    journal: JournalReader,
    model: str,
    since: Mapping[Arm, dt.datetime],
    moment: Moment,
) -> None:
    """Marks the windows of these arms since these times whose truth came since truth was last looked for."""
    seen, oldest = store.truth_seen(model), min(since.values())
    minutes = [] if seen is None else journal.truth_minutes(model, seen - COMMIT, oldest)
    late: list[WindowRecord] = []
    if seen is None or minutes:
        records = [
            record
            for arm, begin in since.items()
            for record in store.windows(*arm, begin, limit=MOST_WITH_TRUTH)
        ]
        if not records:
            return
        if seen is None:
            judged = min(record.judged_at for record in records)
            minutes = journal.truth_minutes(model, judged - COMMIT, oldest)
        changed = set(changed_spans([_span(record) for record in records], minutes))
        late = [record for record in records if _span(record) in changed and record.rows]
    store.note_truth(model, moment.now, late)


def mark_by_rows(
    store: Store, journal: JournalReader, arm: Arm, records: Sequence[WindowRecord], at: dt.datetime
) -> list[WindowRecord]:
    """Marks and gives the windows to which rows came after they were judged."""
    late = [
        record
        for record in records
        if journal.count(arm, _span(record)).predictions != record.predictions
    ]
    if late:
        store.note_late(late, at)
    return late


def mark_complete(
    store: Store, journal: JournalReader, model: str, moment: Moment, lookback: dt.timedelta
) -> None:
    """Marks the windows that were judged while a spool lagged, and that more is known of now that it does not."""
    records = store.incomplete(model, moment.now - lookback, moment.complete, MOST_SEARCHED)
    for record in records:
        arm = Arm(record.model, record.version, record.arm)
        mark_by_rows(store, journal, arm, [record], moment.now)
    # What was said of those without a row was that some may come.
    store.note_late([record for record in records if not record.predictions], moment.now)
    store.note_complete(records, moment.complete)


def again(late: Sequence[WindowRecord], now: dt.datetime) -> list[WindowRecord]:
    """Those that are not judged again too soon: truth comes row by row, and old windows are large and many.

    A window waits for a quarter of its length or, after that, of its age: in all it is judged a few dozen times.
    """
    ready = [
        record
        for record in late
        if now - record.judged_at >= max(record.end - record.start, now - record.end) / 4
    ]
    return ready[:MOST_AGAIN]


def _span(record: WindowRecord) -> Span:
    return Span(record.start, record.end)
