"""From record to row, on both databases."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from service.bundle.engines import Answer
from service.journal import Journal, Unavailable
from service.journal.database.rows import rows_of
from service.journal.errors import JournalError
from service.journal.shipper import Shipper, ship_forever, ship_once
from service.journal.spool.segments import segments
from service.settings import JournalSettings
from tests.service.journal.helpers import (
    await_that,
    count,
    open_journal,
    query,
    record_quality,
    record_yield,
)


def plain(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def test_a_prediction_is_stored_as_plain_values(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal, at=1_800_000_000.5)
    assert ship_once(replace(settings, retention_days=0)) == 1
    row = query(settings, "SELECT * FROM prediction")[0]._asdict()
    features = plain(row["features"])
    assert (features["height"], features["leaves"], features["crop"]) == (21.3, 4, "mint")
    assert features["organic"] is True
    assert (row["label"], row["number"], row["probability"]) == ("good", None, 0.8)
    assert plain(row["probabilities"]) == {"bad": 0.2, "good": 0.8}
    assert (row["request_id"], row["row"], row["model"], row["version"]) == (
        "r1",
        0,
        "quality",
        "1",
    )
    assert (row["release"], row["arm"], row["subject"]) == ("release-1", "champion", "someone")
    assert row["latency_ms"] == 12.5
    assert str(row["at"]).startswith("2027-01-15 08:00:00.5")


def test_a_regression_is_stored_as_a_number(journal: Journal, settings: JournalSettings) -> None:
    record_yield(journal, "r1", light=1.05)
    ship_once(settings)
    assert query(settings, "SELECT number, label FROM prediction") == [(2.1, None)]


def test_several_outputs_are_stored_by_name(journal: Journal, settings: JournalSettings) -> None:
    answer = Answer(np.array([[1.5, 2.5]], np.float32))
    now = dt.datetime.now().timestamp()
    matrix = np.ones((1, 1), np.float32)
    journal.record("r1", "recipe", "1", "x", "champion", None, matrix, answer, now, 0.0)
    ship_once(settings)
    [(prediction,)] = query(settings, "SELECT prediction FROM prediction")
    assert plain(prediction) == {"light": 1.5, "ec": 2.5}


def test_a_prediction_that_is_no_number_is_stored_as_null(
    journal: Journal, settings: JournalSettings
) -> None:
    record_yield(journal, "r1", light=float("nan"))
    record_yield(journal, "r2", light=float("inf"))
    assert ship_once(settings) == 2
    assert query(settings, "SELECT number FROM prediction") == [(None,), (None,)]


def test_each_row_of_a_request_is_a_prediction(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal, rows=2500)
    assert ship_once(settings) == 2500
    rows = {row for (row,) in query(settings, "SELECT row FROM prediction")}
    assert rows == set(range(2500))


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


def test_a_file_rolls_at_its_size_and_nothing_is_lost(settings: JournalSettings) -> None:
    small = replace(settings, spool_limit=1 << 20)
    journal = open_journal(small)
    assert all(record_quality(journal, f"r{number}") for number in range(1000))
    assert len(segments(small.spool)) > 1
    assert ship_once(small) == 1000
    journal.close()


def test_the_lag_is_the_age_of_the_oldest_unshipped(
    journal: Journal, settings: JournalSettings
) -> None:
    now = dt.datetime.now().timestamp()
    record_yield(journal, "r1", at=now - 100)
    record_yield(journal, "r2", at=now)
    assert 100 <= journal.stats().lag < 110
    ship_once(settings)
    assert journal.stats().lag == 0.0
    assert journal.stats().shipped == 2


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


def test_a_model_that_is_not_known_is_a_mistake_of_the_caller(journal: Journal) -> None:
    answer = Answer(np.ones((1, 1), np.float32))
    with pytest.raises(JournalError, match="given a prediction of other 1; .* quality 1"):
        journal.record(
            "r", "other", "1", "x", "y", None, np.ones((1, 1), np.float32), answer, 0.0, 0.0
        )


def test_ship_forever_ships_until_told_and_once_more(
    journal: Journal, settings: JournalSettings
) -> None:
    stop = threading.Event()
    shipper = threading.Thread(target=ship_forever, args=(settings, stop))
    shipper.start()
    record_quality(journal)
    await_that(lambda: journal.stats().shipped == 1, "the first record is shipped")
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
        "from service.journal.__main__ import main; main()"
    )
    environ = os.environ | {"JOURNAL_URL": settings.url, "JOURNAL_SPOOL": str(settings.spool)}
    with subprocess.Popen([sys.executable, "-W", "error", "-c", code], env=environ) as shipper:
        await_that(lambda: journal.stats().shipped == 1, "the record is shipped")
        shipper.terminate()
        assert shipper.wait(30) == 0


def test_the_shipper_is_nice_until_a_prediction_has_waited_for_long(
    journal: Journal, settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.journal import shipper

    usual, seen = os.getpriority(os.PRIO_PROCESS, 0), []

    def watched(group: Any, source: Any) -> Any:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return rows_of(group, source)

    monkeypatch.setattr(shipper, "rows_of", watched)
    found = shipper.Shipper(settings)
    for age in (0.0, 60.0, 0.0, 0.0):
        record_quality(journal, at=time.time() - age)
        assert found.ship_calmly() == 1
    found.close()
    # The second told that the third might be late as well.
    assert seen == [shipper.NICE, shipper.NICE, usual, shipper.NICE]


def test_a_calm_pass_that_takes_long_ends_and_loses_nothing(
    journal: Journal, settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.journal import shipper

    monkeypatch.setattr(shipper, "READ_SIZE", 1)
    monkeypatch.setattr(shipper, "PATIENCE", -1.0)
    for number in range(3):
        record_quality(journal, f"r{number}")
    found = shipper.Shipper(settings)
    found._behind = -2.0
    assert (found.ship_calmly(), found.ship_once()) == (0, 3)
    found.close()


def test_one_record_that_cannot_be_read_costs_its_neighbours_nothing(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal, "good")
    record_quality(journal, "bad", row=[1.0, 1.0, 9.0, 1.0, 1.0, 1.0])
    record_quality(journal, "good too", rows=3)
    assert ship_once(settings) == 4
    assert journal.stats().dropped["damaged"] == 1


def test_a_worker_loads_no_sqlalchemy() -> None:
    code = "import sys, service.journal; assert 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
