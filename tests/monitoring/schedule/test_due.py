from __future__ import annotations

import pytest

from monitoring.schedule import due
from monitoring.window.journal import JournalReader
from tests.monitoring.schedule.conftest import Watch


def test_an_arm_that_nobody_asks_any_more_costs_a_statement_or_two_a_look(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
):
    watch.predict(0)
    watch.look(1.1)
    watch.look(5.1)
    spans = []
    count = JournalReader.count

    def note(self: JournalReader, arm: object, span: object) -> object:
        spans.append(span)
        return count(self, arm, span)  # type: ignore[arg-type]

    monkeypatch.setattr(JournalReader, "count", note)
    watch.judge.monitor._upkeep._counted = watch.at(90)
    assert watch.look(90) == 0
    assert len(spans) <= 2
    watch.predict(91)
    assert watch.look(92.1) == 1


def test_a_monitor_that_was_away_judges_every_window_of_the_time_since_in_order(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(due, "MOST_NEW", 5)
    watch.predict(0)
    watch.look(1.1)
    # Away for over an hour, in which there is a hole of half an hour that is longer than one look judges.
    for minute in (*range(1, 13), *range(45, 50)):
        watch.predict(minute)
    judged = [watch.look(60.1 + number / 100) for number in range(12)]
    assert max(judged) == 5
    rows = watch.rows()
    assert [minute for minute, count in rows.items() if count] == [*range(13), *range(45, 50)]
    # The hole is said by its first windows, and no further.
    assert [minute for minute, count in rows.items() if not count] == [13, 14, 15, 50, 51, 52]
    assert watch.look(60.5) == 0
