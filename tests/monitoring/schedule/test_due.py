from __future__ import annotations

import pytest

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
