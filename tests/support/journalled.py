"""A journal with predictions of `plants` and their truth, in either database, as a service and its shipper leave it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import sqlalchemy as sa

from service.journal.database.connection import moment, transaction
from service.journal.database.decoding import Row, text_of
from service.journal.database.predictions import PredictionTable

MODEL = "plants"
HOUR = dt.timedelta(hours=1)


class Journal:
    def __init__(self, url: str):
        self.url = url
        self._table = PredictionTable(url, 0)
        self._table.prepare()

    def close(self) -> None:
        self._table.close()

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
        label, weight = (value, None) if isinstance(value, str) else (None, value)
        new = sa.text(
            "INSERT INTO truth (model, request_id, row, at, received_at, value, label, number)"
            " VALUES (:model, :request, 0, :at, :at, :value, :label, :number)"
        )
        engine = self._table.engine
        cells = {"model": MODEL, "request": f"r{number}", "at": moment(engine, at)}
        cells |= {"value": json.dumps(value), "label": label, "number": weight}
        with transaction(engine) as connection:
            connection.execute(new, cells)


def fill(journal: Journal, rows: int, now: dt.datetime) -> None:
    """So many rows of the last hours, each answered by two arms, with truth: the newest last."""
    for number in range(rows):
        at = now - (rows - number) * HOUR
        features = {"kind": "tree", "light": number % 10 + 0.5, "leaves": None, "watered": 1}
        journal.predict(number, at, features)
        journal.predict(number, at + dt.timedelta(seconds=1), features, "challenger")
        journal.truth(number, at, 2.0 * (number % 10) + 1)
