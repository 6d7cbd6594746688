"""The spool's bound: the oldest predictions are shed and counted, and nothing that is in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.journal import Journal
from service.journal.shipper import ship_once
from service.journal.spool.room import make_room
from service.journal.spool.segments import Segment, segments
from service.settings import JournalSettings
from tests.support.service.journal import (
    only_segment,
    open_journal,
    query,
    record_quality,
    settings_for,
)


def test_at_the_bound_the_oldest_are_shed_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(tmp_path, spool_limit=1 << 20)
    journal = open_journal(settings)
    answered = sum(record_quality(journal, f"r{number}", rows=2) for number in range(12000)) * 2
    assert sum(path.stat().st_size for path in segments(settings.spool)) <= 1 << 20
    stored = ship_once(settings)
    shed = journal.stats().dropped["shed"]
    assert answered == 24000
    assert shed and stored and stored + shed == answered
    assert "raise JOURNAL_SPOOL_MB" in caplog.text
    # The oldest went, so the newest are there.
    assert query(settings, "SELECT count(*) FROM prediction WHERE request_id = 'r11999'") == [(2,)]
    assert query(settings, "SELECT count(*) FROM prediction WHERE request_id = 'r0'") == [(0,)]


def test_what_is_being_shipped_is_not_shed(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal)
    journal.close()
    with Segment(only_segment(settings)) as segment:
        assert segment.claim()
        journal.stats()
        assert not make_room(settings.spool, 0, 0)
        assert ship_once(settings) == 0
    assert ship_once(settings) == 1


def test_shedding_counts_only_what_was_not_shipped(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal, rows=3)
    ship_once(settings)
    record_quality(journal, rows=4)
    journal.close()
    make_room(settings.spool, 0, 0)
    assert journal.stats().dropped["shed"] == 4


def test_a_file_in_use_is_never_shed(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal)
    assert not make_room(settings.spool, 0, 0)
    assert ship_once(settings) == 1
