"""`Scalings`: the capacity that was measured last, and the changes of replicas that Jenkins was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from msgspec.structs import asdict

from monitoring.findings.database import transaction
from monitoring.findings.job_requests import HISTORY, JobRequests, cells_of
from monitoring.findings.tables import CAPACITY, SCALING
from monitoring.findings.values import Capacity, Scaling
from service.journal.database.connection import lock

#: Decides by the newest ones, the newest first; None where nothing is to be changed.
Decide = Callable[[Sequence[Scaling]], Scaling | None]


class Scalings(JobRequests[Scaling]):
    def __init__(self, engine: sa.Engine):
        super().__init__(engine, SCALING, Scaling)

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
            history = self._newest(connection, HISTORY)
            if any(scaling.outcome == "waiting" for scaling in history):
                return
            scaling = decide(history)
            if scaling is not None:
                connection.execute(sa.insert(SCALING), cells_of(scaling))

    def newest(self, limit: int = HISTORY) -> list[Scaling]:
        """The newest first."""
        with transaction(self._engine) as connection:
            return self._newest(connection, limit)

    def counts(self) -> dict[str, int]:
        """By outcome, how many; `failed` are the tries that Jenkins did not take."""
        return {outcome: number for (outcome,), number in self._counts().items()}
