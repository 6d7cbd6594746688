"""PostgreSQL finds a window's rows by the index made for it; `tests/bench/window.py` has a million of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from monitoring.window.journal import JournalReader
from monitoring.window.values import Arm, Span
from tests.bench.window import CONTRACT, fill

CHAMPION = Arm("bench", "1", "champion")
TODAY = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = Span(TODAY, TODAY + dt.timedelta(days=1))
MINUTES = Span(TODAY + dt.timedelta(hours=7), TODAY + dt.timedelta(hours=7, minutes=15))


@pytest.fixture
def reader(postgresql: str) -> Iterator[JournalReader]:
    """Of a journal with 20,000 rows of a day, of two arms."""
    fill(postgresql, 20_000, TODAY)
    reader = JournalReader(postgresql)
    yield reader
    reader.close()


def plans(reader: JournalReader, work: Callable[[], object]) -> list[str]:
    """What the database would do for each statement of `work`."""
    plans: list[str] = []

    def explain(connection: sa.Connection, _cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith("EXPLAIN"):
            return
        driver: Any = connection.connection.driver_connection
        lines = driver.execute(f"EXPLAIN (COSTS OFF) {statement}", more[0]).fetchall()
        plans.append("\n".join(line for (line,) in lines))

    sa.event.listen(reader._connection.engine, "before_cursor_execute", explain)
    work()
    sa.event.remove(reader._connection.engine, "before_cursor_execute", explain)
    return plans


def test_rows_of_one_arm_and_some_minutes_are_found_by_the_index(reader: JournalReader) -> None:
    plans_read = plans(reader, lambda: reader.window(CHAMPION, MINUTES, CONTRACT, 1))
    assert len(plans_read) == 4
    for plan in plans_read:
        assert "model_version_arm_at_idx" in plan and "Seq Scan" not in plan, plan


def test_arms_and_counts_of_a_day_read_the_index_alone(reader: JournalReader) -> None:
    plans_read = plans(reader, lambda: reader.arms(DAY))
    assert len(plans_read) == 3
    for plan in plans_read:
        assert "Index Only Scan" in plan and "Seq Scan" not in plan, plan


def test_the_newest_prediction_is_found_by_steps_into_the_index(reader: JournalReader) -> None:
    newest = reader.count(CHAMPION, DAY).last
    assert newest is not None and reader.newest(newest - dt.timedelta(minutes=1)) is not None
    assert reader.newest(newest + dt.timedelta(hours=3)) is None
    (plan,) = plans(reader, lambda: reader.newest(newest - dt.timedelta(hours=1)))
    # Each look asks: what it reads must not grow with the day.
    assert (
        plan.count("Limit") == 3 and "Seq Scan on prediction_" + f"{TODAY:%Y%m%d}" not in plan
    ), plan


def test_the_counts_of_two_arms_with_requests_that_were_sent_again(reader: JournalReader) -> None:
    champion = reader.window(CHAMPION, DAY, CONTRACT, 1, limit=1000)
    challenger = reader.window(Arm("bench", "2", "challenger"), DAY, CONTRACT, 1, limit=1000)
    # One in a hundred of all requests was sent again, each to the champion.
    assert (champion.rows, challenger.rows) == (14_800, 5_000)
    assert len(champion.matrix) == len(challenger.matrix) == 1000
    truth = reader.truth(champion, CONTRACT, limit=1000)
    assert truth.rows == 14_800 and 6_900 < truth.with_truth < 7_900 and len(truth.truth) == 1000


def test_a_window_of_more_than_can_be_counted_is_projected_from_pieces(
    reader: JournalReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = reader.count(CHAMPION, DAY)
    monkeypatch.setattr("monitoring.window.journal.MOST_COUNTED", 1000)
    monkeypatch.setattr("monitoring.window.journal.MOST_READ", 3000)
    count = reader.count(CHAMPION, DAY)
    assert abs(count.predictions - exact.predictions) < 0.05 * exact.predictions
    assert (count.first, count.last) == (exact.first, exact.last)
    window = reader.window(CHAMPION, DAY, CONTRACT, 1)
    assert abs(window.rows - 14_800) < 0.07 * 14_800 and 2000 < len(window.matrix) < 4000
