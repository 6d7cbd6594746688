"""A journal with predictions of `plants` and their truth, in either database, as a service and its shipper leave it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.journal.database.connection import moment, transaction
from service.journal.database.decoding import Row, text_of
from service.journal.database.predictions import PredictionTable

MODEL = "plants"
HOUR = dt.timedelta(hours=1)
_NEW_TRUTH = sa.text(
    "INSERT INTO truth (model, request_id, row, at, received_at, value, label, number)"
    " VALUES (:model, :request, 0, :at, :received_at, :value, :label, :number) ON CONFLICT DO NOTHING"
)


class Truth(NamedTuple):
    """Of the first row of a request; times as the database gives or takes them."""

    request: str
    at: Any
    received_at: Any
    value: Any


class JournalWriter:
    """The tables of a journal, to be filled at times of the test's choosing."""

    def __init__(self, url: str):
        self.url = url
        self._table = PredictionTable(url, 0)
        self._table.prepare()

    def close(self) -> None:
        self._table.close()

    def write_truth(self, model: str, truths: Iterable[Truth]) -> None:
        engine = self._table.engine
        cells = [
            {
                "model": model,
                "request": each.request,
                "at": _moment(engine, each.at),
                "received_at": _moment(engine, each.received_at),
                "value": json.dumps(each.value),
                "label": each.value if isinstance(each.value, str) else None,
                "number": None if isinstance(each.value, str) else each.value,
            }
            for each in truths
        ]
        if cells:
            with transaction(engine) as connection:
                connection.execute(_NEW_TRUTH, cells)


def _moment(engine: sa.Engine, at: Any) -> Any:
    return at if isinstance(at, str) else moment(engine, at)


class Journal(JournalWriter):
    def predict(
        self, number: int, at: dt.datetime, features: dict[str, Any], arm: str = "champion"
    ) -> None:
        """The prediction of a request with this number, of one row."""
        row = Row(
            prediction_id=f"{arm}-{number}-{at.timestamp():.0f}",
            request_id=f"r{number}",
            row=0,
            at=text_of(at),
            model=MODEL,
            version="1" if arm == "champion" else "2",
            release="local",
            arm=arm,
            subject=None,
            features=json.dumps(features),
            prediction="1.0",
            label=None,
            number=1.0,
            probabilities=None,
            probability=None,
            latency_ms=1.0,
        )
        assert self._table.insert([row]).new == 1

    def truth(self, number: int, at: dt.datetime, value: Any) -> None:
        self.write_truth(MODEL, [Truth(f"r{number}", at, at, value)])


def fill(journal: Journal, rows: int, now: dt.datetime) -> None:
    """So many rows of the last hours, each answered by two arms, with truth: the newest last."""
    for number in range(rows):
        at = now - (rows - number) * HOUR
        features = {"kind": "tree", "light": number % 10 + 0.5, "leaves": None, "watered": 1}
        journal.predict(number, at, features)
        journal.predict(number, at + dt.timedelta(seconds=1), features, "challenger")
        journal.truth(number, at, 2.0 * (number % 10) + 1)
