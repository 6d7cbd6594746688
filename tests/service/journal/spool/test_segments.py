"""Files that are torn or spoiled: what else is in them is shipped, and they are kept to be looked at."""

from __future__ import annotations

import os

import pytest

from service.journal import Journal
from service.journal.shipper import ship_once
from service.journal.spool.frames import START
from service.journal.spool.segments import MOST_ASIDE, segments
from service.settings import JournalSettings
from tests.support.service.journal import count, only_segment, record_quality


@pytest.mark.parametrize("cut", [1, 5, 50])
def test_a_torn_last_record_costs_none_before_it(
    journal: Journal, settings: JournalSettings, cut: int
) -> None:
    for number in range(3):
        record_quality(journal, f"r{number}")
    journal.close()
    os.truncate(only_segment(settings), only_segment(settings).stat().st_size - cut)
    torn = only_segment(settings).read_bytes()
    assert ship_once(settings) == 2
    assert journal.stats().dropped["damaged"] == 1
    assert not segments(settings.spool)
    [aside] = settings.spool.glob("*.bad")
    assert aside.read_bytes()[START:] == torn[START:]


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


def test_files_that_were_never_named_are_removed_when_old(settings: JournalSettings) -> None:
    settings.spool.mkdir()
    (settings.spool / "young.new").touch()
    (settings.spool / "old.new").touch()
    os.utime(settings.spool / "old.new", (0, 0))
    ship_once(settings)
    assert [path.name for path in settings.spool.glob("*.new")] == ["young.new"]


def spoil(journal: Journal, settings: JournalSettings) -> None:
    """A whole file of one record, whose last byte is another."""
    record_quality(journal)
    journal.close()
    path = only_segment(settings)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


def test_a_spoiled_file_is_kept_aside_and_said(
    journal: Journal, settings: JournalSettings, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(journal, settings)
    ship_once(settings)
    [aside] = settings.spool.glob("*.bad")
    assert f"{aside} is damaged; see why" in caplog.text
    ship_once(settings)
    assert aside.exists() and journal.stats().spool_bytes == 0


def test_a_sound_file_is_not_kept(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal)
    journal.close()
    ship_once(settings)
    assert not list(settings.spool.glob("*.bad"))


def test_of_many_damaged_files_the_newest_few_are_kept_and_none_for_ever(
    journal: Journal, settings: JournalSettings
) -> None:
    for _ in range(10):
        spoil(journal, settings)
        ship_once(settings)
    aside = sorted(settings.spool.glob("*.bad"))
    assert len(aside) == MOST_ASIDE
    os.utime(aside[0], (0, 0))
    ship_once(settings)
    assert sorted(settings.spool.glob("*.bad")) == aside[1:]
