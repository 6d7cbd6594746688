"""`Scalings`: the capacity that was measured last, and the changes of replicas that Jenkins was asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from msgspec.structs import asdict

from monitoring.findings.database import CAPACITY, SCALING, transaction
from monitoring.findings.values import Capacity, Scaling
from service.journal.database.connection import lock

#: So many of the newest are looked at by who decides of the next.
HISTORY = 100
#: Decides by the newest ones, the newest first; None where nothing is to be changed.
Decide = Callable[[Sequence[Scaling]], Scaling | None]


class Scalings:
    """Every method raises FindingsUnavailable where the database is away. Threads may share one."""

    def __init__(self, engine: sa.Engine):
        self._engine = engine

    def keep_capacity(self, capacity: Capacity) -> None:
        with transaction(self._engine) as connection:
            lock(connection)
            connection.execute(sa.delete(CAPACITY))
            connection.execute(sa.insert(CAPACITY), {"id": 1, **asdict(capacity)})

    def capacity(self) -> Capacity | None:
        columns = [column for column in CAPACITY.c if column.name != "id"]
        with transaction(self._engine) as connection:
            row = connection.execute(sa.select(*columns)).mappings().one_or_none()
        return None if row is None else Capacity(**dict(row))

    def take(self, decide: Decide) -> None:
        """One decision at a time, whichever process takes it; none while one waits."""
        with transaction(self._engine) as connection:
            lock(connection)
            history = _newest(connection, HISTORY)
            if any(scaling.outcome == "waiting" for scaling in history):
                return
            scaling = decide(history)
            if scaling is not None:
                cells = asdict(scaling)
                del cells["id"]
                connection.execute(sa.insert(SCALING), cells)

    def due(self, now: dt.datetime) -> Scaling | None:
        """The one that waits, if it may be tried."""
        query = sa.select(SCALING).where(SCALING.c.outcome == "waiting", SCALING.c.next_at <= now)
        with transaction(self._engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else Scaling(**dict(row))

    def is_waiting(self) -> bool:
        waiting = sa.select(SCALING.c.id).where(SCALING.c.outcome == "waiting")
        with transaction(self._engine) as connection:
            return connection.scalar(waiting) is not None

    def claim(self, scaling: Scaling, until: dt.datetime) -> bool:
        """Whether this process may try it: nobody else will until then."""
        unclaimed = (SCALING.c.id == scaling.id, SCALING.c.next_at == scaling.next_at)
        claim = sa.update(SCALING).where(*unclaimed, SCALING.c.outcome == "waiting")
        with transaction(self._engine) as connection:
            return connection.execute(claim.values(next_at=until)).rowcount == 1

    def change(self, scaling: Scaling) -> None:
        cells = asdict(scaling)
        del cells["id"]
        with transaction(self._engine) as connection:
            connection.execute(sa.update(SCALING).where(SCALING.c.id == scaling.id).values(**cells))

    def newest(self, limit: int = HISTORY) -> list[Scaling]:
        """The newest first."""
        with transaction(self._engine) as connection:
            return _newest(connection, limit)

    def counts(self) -> dict[str, int]:
        """By outcome, how many; `failed` are the tries that Jenkins did not take."""
        query = sa.select(
            SCALING.c.outcome, sa.func.count(), sa.func.sum(SCALING.c.failures)
        ).group_by(SCALING.c.outcome)
        counts: dict[str, int] = {}
        with transaction(self._engine) as connection:
            for outcome, number, failures in connection.execute(query):
                counts[outcome] = number
                counts["failed"] = counts.get("failed", 0) + int(failures)
        return counts

    def expire(self, before: dt.datetime) -> None:
        with transaction(self._engine) as connection:
            connection.execute(sa.delete(SCALING).where(SCALING.c.settled_at < before))


def _newest(connection: sa.Connection, limit: int) -> list[Scaling]:
    query = sa.select(SCALING).order_by(SCALING.c.asked_at.desc(), SCALING.c.id.desc())
    return [Scaling(**dict(row)) for row in connection.execute(query.limit(limit)).mappings()]
