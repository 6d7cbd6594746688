"""The table of experiments: of each model's pairs of versions what was said last, and what the next look needs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from monitoring.findings.database import transaction
from monitoring.findings.rows import cells_of
from monitoring.findings.store import Store
from monitoring.findings.tables import EXPERIMENT

KEY = ("model", "champion", "challenger")


class ExperimentRecord(Struct, frozen=True, kw_only=True):
    """A champion against a challenger. `document` and `memory` are as monitoring/experiment has them."""

    model: str
    champion: str
    challenger: str
    started_at: dt.datetime
    judged_at: dt.datetime
    #: None while it runs.
    ended_at: dt.datetime | None = None
    verdict: str
    #: When the verdict that stands was first given.
    decided_at: dt.datetime | None = None
    document: dict[str, Any] = {}
    memory: dict[str, Any] = {}


class Experiments:
    """Every method raises FindingsUnavailable where the database is away."""

    def __init__(self, store: Store):
        self._store = store

    def save(self, record: ExperimentRecord) -> None:
        with transaction(self._store.engine) as connection:
            connection.execute(self._store.upsert(EXPERIMENT, cells_of(record), KEY))

    def of(self, model: str, champion: str, challenger: str) -> ExperimentRecord | None:
        pair = zip(KEY, (model, champion, challenger), strict=True)
        query = sa.select(EXPERIMENT).where(*(EXPERIMENT.c[name] == value for name, value in pair))
        return next(iter(self._read(query)), None)

    def newest(self, model: str | None = None) -> list[ExperimentRecord]:
        """Of each model, or of one, the experiment that was judged last; running ones before all others."""
        query = sa.select(EXPERIMENT).order_by(
            EXPERIMENT.c.model, EXPERIMENT.c.ended_at.is_not(None), EXPERIMENT.c.judged_at.desc()
        )
        if model is not None:
            query = query.where(EXPERIMENT.c.model == model)
        by_model: dict[str, ExperimentRecord] = {}
        for record in self._read(query):
            by_model.setdefault(record.model, record)
        return list(by_model.values())

    def running(self, model: str) -> list[ExperimentRecord]:
        running = (EXPERIMENT.c.model == model, EXPERIMENT.c.ended_at.is_(None))
        return self._read(sa.select(EXPERIMENT).where(*running))

    def models_running(self) -> list[str]:
        query = sa.select(EXPERIMENT.c.model).where(EXPERIMENT.c.ended_at.is_(None)).distinct()
        with transaction(self._store.engine) as connection:
            return list(connection.scalars(query))

    def end(self, record: ExperimentRecord, at: dt.datetime) -> None:
        pair = (EXPERIMENT.c[name] == getattr(record, name) for name in KEY)
        with transaction(self._store.engine) as connection:
            connection.execute(sa.update(EXPERIMENT).where(*pair).values(ended_at=at))

    def expire(self, before: dt.datetime) -> None:
        """Removes those that ended before."""
        with transaction(self._store.engine) as connection:
            connection.execute(sa.delete(EXPERIMENT).where(EXPERIMENT.c.ended_at < before))

    def _read(self, query: sa.Select[Any]) -> list[ExperimentRecord]:
        with transaction(self._store.engine) as connection:
            rows = connection.execute(query).mappings().all()
        return [ExperimentRecord(**dict(row)) for row in rows]
