"""What can go wrong between a worker and the shipper: torn files, full disks, the bound."""

from __future__ import annotations

import errno
import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.journal import Journal
from service.journal.database.shortest import shortest, shortest_all
from service.journal.shipper import ship_once
from service.journal.spool.frames import START, pack, pack_mark, unpack_mark, walk
from service.journal.spool.segments import Segment, make_room, segments
from service.settings import JournalSettings
from tests.service.journal.helpers import (
    count,
    open_journal,
    query,
    record_quality,
    record_yield,
    settings_for,
)


@pytest.fixture
def settings(tmp_path: Path) -> JournalSettings:
    return settings_for(tmp_path)


def only_segment(settings: JournalSettings) -> Path:
    [path] = segments(settings.spool)
    return path


@pytest.mark.parametrize("cut", [1, 5, 50])
def test_a_torn_last_record_costs_none_before_it(
    journal: Journal, settings: JournalSettings, cut: int
) -> None:
    for number in range(3):
        record_quality(journal, f"r{number}")
    journal.close()
    os.truncate(only_segment(settings), only_segment(settings).stat().st_size - cut)
    assert ship_once(settings) == 2
    assert journal.stats().dropped["damaged"] == 1
    assert not segments(settings.spool)


def test_a_half_written_record_of_a_living_worker_is_waited_for(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal, "r1")
    record_quality(journal, "r2")
    path = only_segment(settings)
    whole = path.read_bytes()
    os.truncate(path, len(whole) - 7)
    assert ship_once(settings) == 1
    with path.open("ab") as file:
        file.write(whole[-7:])
    assert ship_once(settings) == 1
    assert journal.stats().dropped["damaged"] == 0


def test_a_spoiled_record_costs_none_after_it(journal: Journal, settings: JournalSettings) -> None:
    for number in range(3):
        record_quality(journal, f"r{number}", rows=2)
    path = only_segment(settings)
    data = bytearray(path.read_bytes())
    data[data.index(b"r1")] ^= 0xFF
    path.write_bytes(data)
    assert ship_once(settings) == 4
    assert journal.stats().dropped["damaged"] == 2


def test_zeros_after_a_power_cut_are_no_records(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal)
    journal.close()
    with only_segment(settings).open("ab") as file:
        file.write(bytes(4096))
    assert ship_once(settings) == 1
    assert not segments(settings.spool)


def test_a_spoiled_mark_ships_the_file_again(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal)
    ship_once(settings)
    with only_segment(settings).open("r+b") as file:
        file.write(b"\xff" * START)
    assert ship_once(settings) == 0
    assert count(settings) == 1


def test_an_unwritable_spool_fails_no_prediction(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    journal = open_journal(settings_for(tmp_path))
    with caplog.at_level(logging.ERROR):
        assert not any(record_quality(journal) for _ in range(10))
    assert len(caplog.records) == 1
    assert "free disk space or correct JOURNAL_SPOOL" in caplog.text


def test_a_full_disk_is_counted_and_leaves_the_file_whole(
    journal: Journal, settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_quality(journal, "before")
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[: len(data) // 2]))
        assert not record_quality(journal, "torn")
        patch.setattr(os, "write", fail_with_no_space)
        assert not record_quality(journal, "none")
    assert record_quality(journal, "after")
    assert ship_once(settings) == 2
    assert journal.stats().dropped["unwritable"] == 2
    assert journal.stats().dropped["damaged"] == 0


def fail_with_no_space(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_source_that_did_not_fit_is_written_before_the_next_record(
    journal: Journal, settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_quality(journal, "before")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail_with_no_space)
        assert not record_yield(journal, "none")
    assert record_yield(journal, "after")
    assert ship_once(settings) == 2


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


def test_a_spool_full_of_files_in_use_is_counted_as_unwritable(settings: JournalSettings) -> None:
    small = replace(settings, spool_limit=1 << 20)
    journals = [open_journal(small) for _ in range(20)]
    recorded = [record_quality(journal) for journal in journals]
    assert recorded == [True] * 16 + [False] * 4
    assert journals[0].stats().dropped["unwritable"] == 4


def test_a_request_larger_than_a_file_gets_one_of_its_own(settings: JournalSettings) -> None:
    small = replace(settings, spool_limit=1 << 20)
    journal = open_journal(small)
    assert record_quality(journal, "small") and record_quality(journal, "large", rows=5000)
    assert record_quality(journal, "small")
    assert ship_once(small) == 5002
    journal.close()


def test_a_request_larger_than_the_spool_is_counted(settings: JournalSettings) -> None:
    small = replace(settings, spool_limit=1 << 20)
    journal = open_journal(small)
    assert not record_quality(journal, rows=50_000)
    assert journal.stats().dropped["unwritable"] == 50_000


def test_files_that_were_never_named_are_removed_when_old(settings: JournalSettings) -> None:
    settings.spool.mkdir()
    (settings.spool / "young.new").touch()
    (settings.spool / "old.new").touch()
    os.utime(settings.spool / "old.new", (0, 0))
    ship_once(settings)
    assert [path.name for path in settings.spool.glob("*.new")] == ["young.new"]


def test_the_spool_is_closed_to_other_users(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal)
    assert settings.spool.stat().st_mode & 0o077 == 0
    assert only_segment(settings).stat().st_mode & 0o077 == 0


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever is in a file, each byte is in one frame at most, and the end is reached."""
    for final in (True, False):
        frames = list(walk(data, START, final))
        assert all(one.end == two.start for one, two in zip(frames, frames[1:], strict=False))
        assert not (final and data) or frames[-1].end == START + len(data)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(0, 20))
def test_frames_are_read_up_to_a_cut(payloads: list[bytes], cut: int) -> None:
    data = b"".join(pack(payload, 1) for payload in payloads)
    read = [frame.payload for frame in walk(data[: len(data) - cut], 0, False)]
    assert read == payloads[: len(read)]
    assert len(read) >= len(payloads) - cut


@given(st.integers(START, 2**63))
def test_a_mark_is_read_as_it_was_written(position: int) -> None:
    assert unpack_mark(pack_mark(position)) == position


@given(st.floats(width=32, allow_nan=False))
def test_the_shortest_number_means_the_same(number: float) -> None:
    assert np.float32(shortest(number)) == np.float32(number)
    assert len(repr(shortest(number))) <= len(repr(number))


@given(st.lists(st.floats(width=32), max_size=40))
def test_numbers_told_together_are_as_told_alone(numbers: list[float]) -> None:
    # Adding 0 makes a negative zero a plain one, which means the same.
    together = [number + 0.0 for number in shortest_all(np.array(numbers, np.float32)).tolist()]
    assert repr(together) == repr([shortest(number) + 0.0 for number in numbers])
