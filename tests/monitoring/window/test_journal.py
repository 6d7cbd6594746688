"""Windows of journals as the service writes them, on both databases."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from monitoring.window.journal import JournalReader
from monitoring.window.spans import changed_spans
from monitoring.window.values import Arm, Span
from service.bundle.engines import Answer
from service.journal import Journal, Unavailable
from service.journal.shipper import ship_once
from service.journal.truth import Entry
from service.settings import JournalSettings
from tests.support.monitoring.traffic import Traffic
from tests.support.service.journal import (
    QUALITY,
    RECIPE,
    ROW,
    YIELD,
    query,
    record_quality,
    record_yield,
    settings_for,
)

QUALITY_ARM, YIELD_ARM = Arm("quality", "1", "champion"), Arm("yield", "1", "champion")
START = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=1)
HOUR = Span(START, START + dt.timedelta(hours=1))


def second(number: float) -> float:
    return START.timestamp() + number


def test_a_window_has_its_rows_as_the_model_was_given_them_and_nothing_sensitive(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    record_quality(journal, "r1", at=second(1), row=[21.3, np.nan, 1.0, 0.0, 1.0, 42.0])
    record_quality(journal, "r2", rows=2, at=second(2))
    record_quality(journal, "other arm", arm="challenger", at=second(2))
    record_quality(journal, "before", at=second(-0.001))
    record_quality(journal, "at the end", at=HOUR.end.timestamp())
    ship_once(settings)
    window = reader.window(QUALITY_ARM, HOUR, QUALITY, seed=1)
    expected = np.array([[21.3, np.nan, 1, 0], ROW[:4], ROW[:4]], np.float32)
    assert (window.rows, window.requests, window.release) == (3, 2, "release-1")
    np.testing.assert_array_equal(window.matrix[:, :4], expected)
    assert np.isnan(window.matrix[:, 4:]).all()
    assert window.values.tolist() == [1, 1, 1]
    assert window.probabilities is not None and window.probabilities[0].tolist() == [
        np.float32(0.2),
        np.float32(0.8),
    ]
    np.testing.assert_allclose(window.at, [second(1), second(2), second(2)], atol=1e-5)
    assert window.latency_ms == (12.5, 12.5, 12.5)
    assert window.first == START + dt.timedelta(seconds=1)
    assert window.last == START + dt.timedelta(seconds=2)


def test_a_request_that_was_sent_again_counts_once_by_its_newest_prediction(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    for number, light in enumerate((1.0, 2.0, 3.0)):
        record_yield(journal, "again", light, at=second(number))
    ship_once(settings)
    window = reader.window(YIELD_ARM, HOUR, YIELD, seed=1)
    assert (window.rows, window.requests) == (1, 1)
    assert window.matrix.tolist() == [[3.0]] and window.values.tolist() == [[6.0]]


def test_a_sample_is_bounded_the_same_at_every_run_and_another_for_another_seed(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    for number in range(600):
        record_yield(journal, f"r{number}", light=number, at=second(number))
    ship_once(settings)
    samples = [
        reader.window(YIELD_ARM, HOUR, YIELD, seed, limit=50).matrix[:, 0].tolist()
        for seed in (1, 1, 2)
    ]
    assert samples[0] == samples[1] != samples[2]
    assert [len(sample) for sample in samples] == [50] * 3
    # Known beforehand: SQLite and PostgreSQL take the same rows.
    assert samples[0][:5] == [3.0, 14.0, 54.0, 58.0, 68.0]
    # Spread over the window: 50 of 600 numbers, whose mean is 299.5 and its deviation 23.
    assert abs(np.mean(samples[0]) - 299.5) < 4 * 23


def test_rows_that_come_late_take_their_place_in_the_same_sample(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    for number in range(300):
        record_yield(journal, f"r{number}", light=number, at=second(number))
    ship_once(settings)
    before = set(reader.window(YIELD_ARM, HOUR, YIELD, 1, limit=50).matrix[:, 0].tolist())
    record_yield(journal, "late", light=-1, at=second(5))
    ship_once(settings)
    after = set(reader.window(YIELD_ARM, HOUR, YIELD, 1, limit=50).matrix[:, 0].tolist())
    assert len(before - after) <= 1 and after - before <= {-1.0}


def test_a_window_of_very_many_rows_is_read_in_pieces_that_stand_for_all(
    journal: Journal,
    settings: JournalSettings,
    reader: JournalReader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitoring.window.journal.MOST_READ", 300)
    for number in range(3000):
        record_yield(journal, f"r{number}", light=number, at=second(number * 1.2))
    ship_once(settings)
    window = reader.window(YIELD_ARM, HOUR, YIELD, 1, limit=10_000)
    assert abs(window.rows - 3000) < 50
    assert 150 < len(window.matrix) < 450
    assert abs(window.matrix.mean() - 1500) < 150


def test_the_truth_of_a_window_its_delay_and_its_corrections(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    for number in range(4):
        record_quality(journal, f"r{number}", at=second(number))
    record_quality(journal, "r0", at=second(10))
    ship_once(settings)
    journal.truth("quality", [Entry("r0", "bad"), Entry("r1", "good"), Entry("r2", "good")])
    first = query(settings, "SELECT received_at FROM truth WHERE request_id = 'r1'")[0][0]
    journal.truth("quality", [Entry("r1", "bad")])
    truth = reader.truth(reader.window(QUALITY_ARM, HOUR, QUALITY, seed=1), QUALITY)
    assert (truth.rows, truth.with_truth, truth.corrected) == (4, 3, 1)
    # In the order of their times: r1, r2, and r0 by its newest prediction.
    assert truth.truth.tolist() == [0, 1, 0] and truth.values.tolist() == [1, 1, 1]
    received = dt.datetime.fromisoformat(str(first)).replace(tzinfo=dt.UTC).timestamp()
    assert truth.delay[0] == pytest.approx(received - second(1), abs=1e-3)


def test_a_truth_that_is_no_class_of_this_version_is_one_that_it_got_wrong(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    for number in range(2):
        record_quality(journal, f"r{number}", at=second(number))
    ship_once(settings)
    journal.truth("quality", [Entry("r0", "good"), Entry("r1", "bad")])
    # A version that was never taught what is bad.
    narrow = replace(QUALITY, classes=("good",))
    truth = reader.truth(reader.window(QUALITY_ARM, HOUR, narrow, seed=1), narrow)
    assert truth.with_truth == 2
    assert truth.truth.tolist() == [0, len(narrow.classes)]
    assert truth.values.tolist() == [0, 0]


def test_truth_of_numbers_and_a_window_without_any(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    record_yield(journal, "r1", at=second(1))
    ship_once(settings)
    window = reader.window(YIELD_ARM, HOUR, YIELD, seed=1)
    none = reader.truth(window, YIELD)
    assert (none.rows, none.with_truth, len(none.truth), len(none.matrix)) == (1, 0, 0, 0)
    journal.truth("yield", [Entry("r1", 2.5)])
    assert reader.truth(window, YIELD).truth.tolist() == [2.5]


def test_several_outputs_are_read_by_their_names(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    answer = Answer(np.array([[5.0, 1.5]], np.float32))
    journal.record(
        *("r1", "recipe", "1", "release-1", "champion", None, np.ones((1, 1), np.float32)),
        *(answer, second(1), 0.01),
    )
    ship_once(settings)
    window = reader.window(Arm("recipe", "1", "champion"), HOUR, RECIPE, seed=1)
    assert window.values.tolist() == [[5.0, 1.5]]


def test_which_arms_predicted_and_which_windows_late_truth_changes(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    record_quality(journal, "r1", at=second(1))
    record_quality(journal, "r1", arm="challenger", at=second(1))
    record_yield(journal, "r2", at=second(70))
    record_yield(journal, "r3", at=second(4000))
    ship_once(settings)
    assert {arm: count.predictions for arm, count in reader.arms(HOUR).items()} == {
        QUALITY_ARM: 1,
        Arm("quality", "1", "challenger"): 1,
        YIELD_ARM: 1,
    }
    assert reader.newest(START) == START + dt.timedelta(seconds=4000)
    now = dt.datetime.now(dt.UTC)
    journal.truth("yield", [Entry("r2", 1.0)])
    later = Span(HOUR.end, HOUR.end + dt.timedelta(hours=1))
    minutes = reader.truth_minutes("yield", since=now, oldest=START)
    assert changed_spans([HOUR, later], minutes) == [HOUR]
    assert not reader.truth_minutes("quality", now, START)
    assert not reader.truth_minutes("yield", dt.datetime.now(dt.UTC), START)


def test_windows_in_rows_are_full_and_keep_a_request_together(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    for number in range(10):
        record_quality(journal, f"r{number}", rows=3, at=second(number))
    ship_once(settings)
    spans = reader.row_spans(QUALITY_ARM, 10, START, HOUR.end)
    counts = [reader.window(QUALITY_ARM, span, QUALITY, 1).rows for span in spans]
    assert counts == [12, 12]
    assert spans[0].start == START and spans[0].end == spans[1].start
    assert not reader.row_spans(QUALITY_ARM, 10, spans[-1].end, HOUR.end)


def test_the_reader_writes_nothing(reader: JournalReader, settings: JournalSettings) -> None:
    ship_once(settings)
    for statement in ("DELETE FROM prediction", "CREATE TABLE mine (a integer)"):
        with pytest.raises(sa.exc.DBAPIError, match="read-?only"):
            with reader._connection.engine.begin() as connection:
                connection.exec_driver_sql(statement)


def test_a_reader_in_the_middle_of_a_window_keeps_no_shipper_waiting(
    journal: Journal, settings: JournalSettings, reader: JournalReader
) -> None:
    record_yield(journal, "r1", at=second(1))
    ship_once(settings)
    with reader._connection.engine.begin() as connection:
        connection.exec_driver_sql("SELECT * FROM prediction").fetchone()
        record_yield(journal, "r2", at=second(2))
        started = time.monotonic()
        assert ship_once(settings) == 1
        assert time.monotonic() - started < 5


def test_a_journal_that_is_not_there_is_said_to_be_away(tmp_path: Path) -> None:
    reader = JournalReader(settings_for(tmp_path).url)
    with pytest.raises(Unavailable, match="JOURNAL_URL"):
        reader.arms(HOUR)
    assert not list(tmp_path.glob("*.db"))


def test_a_statement_that_takes_too_long_ends(postgresql: str) -> None:
    reader = JournalReader(postgresql, statement_seconds=0.1)
    with pytest.raises(sa.exc.OperationalError, match="statement timeout"):
        with reader._connection.engine.begin() as connection:
            connection.exec_driver_sql("SELECT pg_sleep(60)")
    reader.close()


def test_a_journal_in_a_folder_of_any_name_is_read(tmp_path: Path):
    folder = tmp_path / "50%41 #1"
    folder.mkdir()
    url = sa.URL.create("sqlite", database=str(folder / "journal.db")).render_as_string()
    Traffic(url, YIELD).close()
    reader = JournalReader(url)
    assert reader.newest(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) is None
    reader.close()
