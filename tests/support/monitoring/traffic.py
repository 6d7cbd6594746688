"""A journal filled as the service would have filled it, at times of the test's choosing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from service.bundle.contract import Contract
from service.journal.database.connection import transaction
from service.journal.database.decoding import Row, text_of
from tests.support.journalled import JournalWriter, Truth
from tests.support.service.bundles import rows_for

MINUTE = dt.timedelta(minutes=1)


class Traffic(JournalWriter):
    """Predictions of a regression, one request a row: each is the first column."""

    def __init__(self, url: str, contract: Contract, version: str = "1", arm: str = "champion"):
        super().__init__(url)
        self.contract, self.version, self.arm = contract, version, arm
        self._count = 0

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
        with transaction(self._table.engine) as connection:
            predictions = connection.execute(
                sa.text("SELECT request_id, number, at FROM prediction WHERE model = :model"),
                {"model": self.contract.model},
            ).all()
        wanted = set(requests)
        self.write_truth(
            self.contract.model,
            [
                Truth(request, predicted_at, received, number + off)
                for request, number, predicted_at in predictions
                if request in wanted
            ],
        )
