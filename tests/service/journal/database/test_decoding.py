"""What stands in the table of a prediction."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from service.bundle.engines import Answer
from service.journal import Journal
from service.journal.database.decoding import Spooled, rows_of
from service.journal.plain_values import shortest
from service.journal.shipper import ship_once
from service.journal.spool.frames import Record, Source, SpooledColumn
from service.settings import JournalSettings
from tests.support.service.journal import query, record_quality, record_yield


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


def test_one_record_that_cannot_be_read_costs_its_neighbours_nothing(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal, "good")
    record_quality(journal, "bad", row=[1.0, 1.0, 9.0, 1.0, 1.0, 1.0])
    record_quality(journal, "good too", rows=3)
    assert ship_once(settings) == 4
    assert journal.stats().dropped["damaged"] == 1


@examples(deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=40))
def test_numbers_are_stored_with_the_fewest_digits_that_mean_the_same(numbers: list[float]) -> None:
    columns = tuple(
        SpooledColumn(f"100% {place}", "number", (), "clear") for place in range(len(numbers))
    )
    source = Source(0, "m", "1", "r", "champion", columns, ("y",), ())
    cells = np.array(numbers, np.float32)
    record = Record(0, "id", None, 0.0, 0.0, cells.tobytes(), "f", cells[:1].tobytes(), None, None)
    row = rows_of([Spooled(record, 1, "place")], source)[0]
    stored = json.loads(row.features).values()
    assert row.number == next(iter(stored))
    for number, value in zip(numbers, stored, strict=True):
        if not np.isfinite(number):
            assert value is None
            continue
        assert np.float32(value) == np.float32(number)
        assert len(repr(value)) <= len(repr(shortest(number)))
