"""From record to row, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from service.journal import Journal, Unavailable
from service.journal.database.decoding import rows_of
from service.journal.shipper import Shipper, ship_forever, ship_once
from service.journal.spool.segments import segments
from service.settings import JournalSettings
from tests.support.machine import wait_until
from tests.support.service.journal import count, query, record_quality, record_yield


def test_the_same_request_id_twice_loses_no_prediction(
    journal: Journal, settings: JournalSettings
) -> None:
    record_yield(journal, "same", light=1.0)
    record_yield(journal, "same", light=2.0)
    assert ship_once(settings) == 2


def test_shipping_a_file_twice_stores_it_once(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal, rows=3)
    [path] = segments(settings.spool)
    before = path.read_bytes()
    assert ship_once(settings) == 3
    path.write_bytes(before)
    assert ship_once(settings) == 0
    assert count(settings) == 3


def test_a_growing_file_is_shipped_and_kept_and_a_closed_one_goes(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal)
    ship_once(settings)
    record_quality(journal)
    assert ship_once(settings) == 1
    assert len(segments(settings.spool)) == 1
    journal.close()
    ship_once(settings)
    assert not segments(settings.spool)
    assert count(settings) == 2


def test_a_restarted_shipper_still_knows_what_the_records_are_of(
    journal: Journal, settings: JournalSettings
) -> None:
    for number in range(3):
        record_yield(journal, f"r{number}")
        assert ship_once(settings) == 1


def test_shippers_that_take_turns_at_a_file_all_know_what_its_records_are_of(
    journal: Journal, settings: JournalSettings
) -> None:
    first, second = Shipper(settings), Shipper(settings)
    record_yield(journal, "r1")
    assert first.ship_once() == 1
    record_quality(journal, "r2")
    assert second.ship_once() == 1
    record_quality(journal, "r3")
    assert first.ship_once() == 1
    assert journal.stats().dropped["damaged"] == 0
    first.close()
    second.close()


def test_ship_forever_ships_until_told_and_once_more(
    journal: Journal, settings: JournalSettings
) -> None:
    stop = threading.Event()
    shipper = threading.Thread(target=ship_forever, args=(settings, stop))
    shipper.start()
    record_quality(journal)
    wait_until(lambda: journal.stats().shipped == 1, "the first record is shipped")
    record_quality(journal)
    stop.set()
    shipper.join()
    assert count(settings) == 2


def test_without_its_database_ship_once_says_what_to_do(
    journal: Journal, settings: JournalSettings
) -> None:
    away = replace(settings, url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable, match="see that it runs and that JOURNAL_URL names it"):
        ship_once(away)


def test_a_text_that_the_database_cannot_hold_costs_that_row_alone(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal, "good")
    record_quality(journal, "bad\0id")
    record_quality(journal, "good too")
    shipped = ship_once(settings)
    # SQLite takes it; PostgreSQL has no text with a null character.
    assert shipped + journal.stats().dropped["refused"] == 3
    assert {"good", "good too"} <= {
        r for (r,) in query(settings, "SELECT request_id FROM prediction")
    }


def test_the_shipper_needs_no_bundles(journal: Journal, settings: JournalSettings) -> None:
    """So it ships what an older release spooled of models that are gone."""
    record_quality(journal)
    code = (
        "import sys; sys.modules['service.bundle.exported'] = sys.modules['onnxruntime'] = None;"
        "from tests.support.service.journal_shipper import main; main()"
    )
    environ = os.environ | {"JOURNAL_URL": settings.url, "JOURNAL_SPOOL": str(settings.spool)}
    with subprocess.Popen([sys.executable, "-W", "error", "-c", code], env=environ) as shipper:
        wait_until(lambda: journal.stats().shipped == 1, "the record is shipped")
        shipper.terminate()
        assert shipper.wait(30) == 0


def test_the_shipper_is_nice_until_a_prediction_has_waited_for_long(
    journal: Journal, settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.journal import frame_contents, shipper

    usual, seen = os.getpriority(os.PRIO_PROCESS, 0), []

    def watched(group: Any, source: Any) -> Any:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return rows_of(group, source)

    monkeypatch.setattr(frame_contents, "rows_of", watched)
    # Longer than it takes on a busy machine, where who is nice hardly gets a core.
    monkeypatch.setattr(shipper, "PATIENCE", 600.0)
    subject = shipper.Shipper(settings)
    for age in (0.0, 3600.0, 0.0, 0.0):
        record_quality(journal, at=time.time() - age)
        assert subject.ship_politely() == 1
    subject.close()
    # The second told that the third might be late as well.
    nice = max(usual, shipper.NICE)
    assert seen == [nice, nice, usual, nice]


def test_a_shipper_that_is_nicer_already_stays_so_and_ships(
    journal: Journal, settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.journal import frame_contents, shipper

    seen: list[int] = []

    def watched(group: Any, source: Any) -> Any:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return rows_of(group, source)

    def ship_below_a_nicer_one() -> None:
        # A thread begins as nice as the one that starts it.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        assert subject.ship_politely() == 1

    monkeypatch.setattr(frame_contents, "rows_of", watched)
    # A pass that takes longer ends without a row: on a busy machine this thread hardly gets a core.
    monkeypatch.setattr(shipper, "PATIENCE", 600.0)
    record_quality(journal)
    subject = Shipper(settings)
    thread = threading.Thread(target=ship_below_a_nicer_one)
    thread.start()
    thread.join()
    subject.close()
    assert seen == [19]


def test_a_polite_pass_that_takes_long_ends_and_loses_nothing(
    journal: Journal, settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.journal import shipper

    monkeypatch.setattr(shipper, "READ_SIZE", 1)
    monkeypatch.setattr(shipper, "PATIENCE", -1.0)
    for number in range(3):
        record_quality(journal, f"r{number}")
    subject = shipper.Shipper(settings)
    subject._behind = -2.0
    assert (subject.ship_politely(), subject.ship_once()) == (0, 3)
    subject.close()
