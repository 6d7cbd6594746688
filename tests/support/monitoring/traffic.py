"""A journal filled as the service would have filled it, at times of the test's choosing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from service.bundle.contract import Contract
from service.journal.database.connection import connect, moment, statement, transaction
from service.journal.database.decoding import Row, text_of
from service.journal.database.predictions import PredictionTable
from tests.support.service.bundles import rows_for

MINUTE = dt.timedelta(minutes=1)


class Traffic:
    """Predictions of a regression, one request a row: each is the first column."""

    def __init__(self, url: str, contract: Contract, version: str = "1", arm: str = "champion"):
        self.url, self.contract, self.version, self.arm = url, contract, version, arm
        self._count = 0
        self._table = PredictionTable(url, 0)
        self._table.prepare()

    def close(self) -> None:
        self._table.close()

    def predict(
        self, start: dt.datetime, rows: int = 300, shift: float = 0.0, seed: int | None = None
    ) -> list[str]:
        """Rows spread over the minute from `start`, the first column moved by `shift`; the ids of the requests."""
        self._count += 1
        drawn = rows_for(self.contract, rows, seed=self._count if seed is None else seed)
        first = self.contract.columns[0]
        low, high = first.bounds
        requests = [f"{self.version}-{self.arm}-{self._count}-{number}" for number in range(rows)]
        journalled = []
        for number, row in enumerate(drawn):
            row[first.name] = float(np.clip(row[first.name] + shift, low, high))
            at = start + MINUTE * (number / rows)
            journalled.append(self._row(requests[number], at, row))
        self._table.insert(journalled)
        return requests

    def _row(self, request: str, at: dt.datetime, features: dict[str, Any]) -> Row:
        # As `reference_of` has it.
        number = float(features[self.contract.columns[0].name])
        return Row(
            *(f"{request}-p", request, 0, text_of(at.astimezone(dt.UTC).replace(tzinfo=None))),
            *(self.contract.model, self.version, "release-1", self.arm, None),
            msgspec.json.encode(features).decode(),
            *(str(number), None, number, None, None, 1.5),
        )

    def tell(
        self, requests: list[str], at: dt.datetime, received: dt.datetime, off: float = 0.0
    ) -> None:
        """Truth of requests: what was predicted, and `off`."""
        engine = connect(self.url)
        with transaction(engine) as connection:
            predictions = connection.execute(
                sa.text("SELECT request_id, number, at FROM prediction WHERE model = :model"),
                {"model": self.contract.model},
            ).all()
            wanted = set(requests)
            batch = [
                {
                    "model": self.contract.model,
                    "request_id": request,
                    "row": 0,
                    "at": _text(engine, predicted_at),
                    "received_at": _text(engine, received),
                    "value": number + off,
                    "label": None,
                    "number": number + off,
                }
                for request, number, predicted_at in predictions
                if request in wanted
            ]
            words = {"batch": msgspec.json.encode(batch).decode()}
            connection.execute(statement(engine, "truth_new"), words)
        engine.dispose()


def _text(engine: sa.Engine, at: Any) -> str:
    return at if isinstance(at, str) else str(moment(engine, at))
