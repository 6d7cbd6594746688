"""A worker's end of the spool: full disks, forks, threads, and files that roll."""

from __future__ import annotations

import errno
import logging
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from service.journal import Journal
from service.journal.shipper import ship_once
from service.journal.spool.segments import segments
from service.settings import JournalSettings
from tests.support.service.journal import (
    only_segment,
    open_journal,
    record_quality,
    record_yield,
    settings_for,
)


def fail_with_no_space(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


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


def test_a_source_that_did_not_fit_is_written_before_the_next_record(
    journal: Journal, settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_quality(journal, "before")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail_with_no_space)
        assert not record_yield(journal, "none")
    assert record_yield(journal, "after")
    assert ship_once(settings) == 2


def test_a_file_rolls_at_its_size_and_nothing_is_lost(settings: JournalSettings) -> None:
    small = replace(settings, spool_limit=1 << 20)
    journal = open_journal(small)
    assert all(record_quality(journal, f"r{number}") for number in range(1000))
    assert len(segments(small.spool)) > 1
    assert ship_once(small) == 1000
    journal.close()


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


def test_a_spool_full_of_files_in_use_is_counted_as_unwritable(settings: JournalSettings) -> None:
    small = replace(settings, spool_limit=1 << 20)
    journals = [open_journal(small) for _ in range(20)]
    recorded = [record_quality(journal) for journal in journals]
    assert recorded == [True] * 16 + [False] * 4
    assert journals[0].stats().dropped["unwritable"] == 4


def test_a_forked_child_goes_on_in_a_file_of_its_own(
    journal: Journal, settings: JournalSettings
) -> None:
    record_yield(journal, "parent")
    child = os.fork()
    if not child:
        os._exit(0 if record_yield(journal, "child") else 1)
    assert os.waitpid(child, 0)[1] == 0
    record_yield(journal, "parent")
    assert len(segments(settings.spool)) == 2
    assert ship_once(settings) == 3


def test_threads_share_a_journal(journal: Journal, settings: JournalSettings) -> None:
    def work() -> None:
        for number in range(300):
            assert record_quality(journal, f"r{number}")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ship_once(settings) == 1200


def test_the_spool_is_closed_to_other_users(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal)
    assert settings.spool.stat().st_mode & 0o077 == 0
    assert only_segment(settings).stat().st_mode & 0o077 == 0
