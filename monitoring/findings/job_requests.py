"""`JobRequests`: what Jenkins' jobs were asked for, one row a request, and which process asks for it next."""

from __future__ import annotations

import datetime as dt
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from msgspec.structs import asdict, replace

from monitoring.findings.database import transaction
from monitoring.findings.values import JobRequest

#: So many of the newest requests are looked at by who decides of the next.
HISTORY = 100
#: After a failure; doubled by each one that follows.
FIRST_WAIT, LONGEST_WAIT = dt.timedelta(seconds=5), dt.timedelta(minutes=5)
#: Another process takes what one tries only after this: no answer of Jenkins takes longer.
LEASE = dt.timedelta(minutes=1)
Request = TypeVar("Request", bound=JobRequest)


class JobRequests(Generic[Request]):
    """Every method raises FindingsUnavailable where the database is away. Threads may share one."""

    def __init__(self, engine: sa.Engine, table: sa.Table, kind: type[Request]):
        self._engine, self._table, self._kind = engine, table, kind

    def due(self, now: dt.datetime) -> list[Request]:
        """Those that wait and may be tried, the oldest first."""
        table = self._table
        query = sa.select(table).where(table.c.outcome == "waiting", table.c.next_at <= now)
        with transaction(self._engine) as connection:
            return self._read(connection, query.order_by(table.c.asked_at, table.c.id))

    def are_waiting(self) -> bool:
        waiting = sa.select(self._table.c.id).where(self._table.c.outcome == "waiting").limit(1)
        with transaction(self._engine) as connection:
            return connection.scalar(waiting) is not None

    def claim(self, request: Request, now: dt.datetime) -> bool:
        """Whether this process may try it: nobody else will for the time of a lease."""
        table = self._table
        unclaimed = (table.c.id == request.id, table.c.next_at == request.next_at)
        claim = sa.update(table).where(*unclaimed, table.c.outcome == "waiting")
        with transaction(self._engine) as connection:
            return connection.execute(claim.values(next_at=now + LEASE)).rowcount == 1

    def change(self, request: Request) -> None:
        with transaction(self._engine) as connection:
            connection.execute(self._replacing(request))

    def expire(self, before: dt.datetime) -> None:
        with transaction(self._engine) as connection:
            connection.execute(sa.delete(self._table).where(self._table.c.settled_at < before))

    def _counts(self, *by: str) -> dict[tuple[str, ...], int]:
        """By these columns and outcome, how many; with `failed` as outcome, the tries that Jenkins did not take."""
        columns = [self._table.c[name] for name in (*by, "outcome")]
        query = sa.select(*columns, sa.func.count(), sa.func.sum(self._table.c.failures))
        counts: dict[tuple[str, ...], int] = {}
        with transaction(self._engine) as connection:
            for *names, outcome, number, failures in connection.execute(query.group_by(*columns)):
                counts[*names, outcome] = number
                counts[*names, "failed"] = counts.get((*names, "failed"), 0) + int(failures)
        return counts

    def _newest(
        self, connection: sa.Connection, limit: int, *where: sa.ColumnElement[bool]
    ) -> list[Request]:
        table = self._table
        query = sa.select(table).where(*where)
        newest = query.order_by(table.c.asked_at.desc(), table.c.id.desc()).limit(limit)
        return self._read(connection, newest)

    def _read(self, connection: sa.Connection, query: sa.Select[Any]) -> list[Request]:
        return [self._kind(**dict(row)) for row in connection.execute(query).mappings()]

    def _replacing(self, request: Request, *but: str) -> sa.Update:
        cells = cells_of(request)
        for name in but:
            del cells[name]
        return sa.update(self._table).where(self._table.c.id == request.id).values(**cells)


def cells_of(request: JobRequest) -> dict[str, Any]:
    """All but the id, which the database gives."""
    cells = asdict(request)
    del cells["id"]
    return cells


def postponed(request: Request, reason: str, now: dt.datetime) -> Request:
    """One that Jenkins did not take, to be tried again; the more it failed, the later."""
    wait = min(FIRST_WAIT * (1 << min(request.failures, 10)), LONGEST_WAIT)
    return replace(request, reason=reason, failures=request.failures + 1, next_at=now + wait)
