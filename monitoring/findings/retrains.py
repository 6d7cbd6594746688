"""`Retrains`: what became of alerts that asked for a retraining, one row a request, in the database of findings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from msgspec.structs import asdict

from monitoring.findings.database import RETRAIN, transaction
from monitoring.findings.values import Retrain
from service.journal.database.connection import lock

#: So many of a model's newest requests are looked at by who decides of the next.
HISTORY = 100
#: Decides of a request by the model's newest ones, the newest first: a row with an id replaces that one.
Decide = Callable[[Sequence[Retrain]], Retrain]


class Retrains:
    """Every method raises FindingsUnavailable where the database is away. Threads may share one."""

    def __init__(self, engine: sa.Engine):
        self._engine = engine

    def take(self, model: str, decide: Decide) -> Retrain:
        """One decision at a time, whichever process takes the request; what it decided, as it is kept."""
        with transaction(self._engine) as connection:
            lock(connection)
            decided = decide(_newest(connection, model, HISTORY))
            if decided.id:
                connection.execute(_replace(decided))
                return decided
            cells = asdict(decided)
            del cells["id"]
            identity = connection.execute(sa.insert(RETRAIN).returning(RETRAIN.c.id), cells)
            return Retrain(**{**cells, "id": identity.scalar_one()})

    def due(self, now: dt.datetime) -> list[Retrain]:
        """Those that wait and may be tried, the oldest first."""
        query = sa.select(RETRAIN).where(RETRAIN.c.outcome == "waiting", RETRAIN.c.next_at <= now)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(RETRAIN.c.asked_at, RETRAIN.c.id)).mappings()
            return [Retrain(**dict(row)) for row in rows]

    def are_waiting(self) -> bool:
        waiting = sa.select(RETRAIN.c.id).where(RETRAIN.c.outcome == "waiting").limit(1)
        with transaction(self._engine) as connection:
            return connection.scalar(waiting) is not None

    def claim(self, request: Retrain, until: dt.datetime) -> bool:
        """Whether this process may try it: nobody else will until then."""
        unclaimed = (RETRAIN.c.id == request.id, RETRAIN.c.next_at == request.next_at)
        claim = sa.update(RETRAIN).where(*unclaimed, RETRAIN.c.outcome == "waiting")
        with transaction(self._engine) as connection:
            return connection.execute(claim.values(next_at=until)).rowcount == 1

    def change(self, request: Retrain) -> None:
        """As it is now; how often it was delivered is for `take` to say."""
        cells = asdict(request)
        for name in ("id", "deliveries"):
            del cells[name]
        with transaction(self._engine) as connection:
            connection.execute(sa.update(RETRAIN).where(RETRAIN.c.id == request.id).values(**cells))

    def newest(self, model: str | None = None, limit: int = 100) -> list[Retrain]:
        """Of one model, or of all; the newest first."""
        with transaction(self._engine) as connection:
            return _newest(connection, model, limit)

    def counts(self) -> dict[tuple[str, str], int]:
        """By model and outcome, how many; `failed` are the tries that Jenkins did not take."""
        query = sa.select(
            RETRAIN.c.model, RETRAIN.c.outcome, sa.func.count(), sa.func.sum(RETRAIN.c.failures)
        ).group_by(RETRAIN.c.model, RETRAIN.c.outcome)
        counts: dict[tuple[str, str], int] = {}
        with transaction(self._engine) as connection:
            for model, outcome, number, failures in connection.execute(query):
                counts[model, outcome] = number
                counts[model, "failed"] = counts.get((model, "failed"), 0) + int(failures)
        return counts

    def expire(self, before: dt.datetime) -> None:
        with transaction(self._engine) as connection:
            connection.execute(sa.delete(RETRAIN).where(RETRAIN.c.settled_at < before))


def _newest(connection: sa.Connection, model: str | None, limit: int) -> list[Retrain]:
    query = sa.select(RETRAIN).order_by(RETRAIN.c.asked_at.desc(), RETRAIN.c.id.desc())
    if model is not None:
        query = query.where(RETRAIN.c.model == model)
    return [Retrain(**dict(row)) for row in connection.execute(query.limit(limit)).mappings()]


def _replace(request: Retrain) -> sa.Update:
    cells = asdict(request)
    del cells["id"]
    return sa.update(RETRAIN).where(RETRAIN.c.id == request.id).values(**cells)
