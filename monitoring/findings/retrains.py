"""`Retrains`: what became of alerts that asked for a retraining, one row a request, in the database of findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from monitoring.findings.database import transaction
from monitoring.findings.job_requests import HISTORY, JobRequests, cells_of
from monitoring.findings.tables import RETRAIN
from monitoring.findings.values import Retrain
from service.journal.database.connection import lock

#: Decides of a request by the model's newest ones, the newest first: a row with an id replaces that one.
Decide = Callable[[Sequence[Retrain]], Retrain]


class Retrains(JobRequests[Retrain]):
    def __init__(self, engine: sa.Engine):
        super().__init__(engine, RETRAIN, Retrain)

    def take(self, model: str, decide: Decide) -> Retrain:
        """One decision at a time, whichever process takes the request; what it decided, as it is kept."""
        with transaction(self._engine) as connection:
            lock(connection)
            decided = decide(self._newest(connection, HISTORY, RETRAIN.c.model == model))
            if decided.id:
                connection.execute(self._replacing(decided))
                return decided
            cells = cells_of(decided)
            identity = connection.execute(sa.insert(RETRAIN).returning(RETRAIN.c.id), cells)
            return Retrain(**{**cells, "id": identity.scalar_one()})

    def change(self, request: Retrain) -> None:
        """As it is now; how often it was delivered is for `take` to say."""
        with transaction(self._engine) as connection:
            connection.execute(self._replacing(request, "deliveries"))

    def newest(self, model: str | None = None, limit: int = HISTORY) -> list[Retrain]:
        """Of one model, or of all; the newest first."""
        of_model = () if model is None else (RETRAIN.c.model == model,)
        with transaction(self._engine) as connection:
            return self._newest(connection, limit, *of_model)

    def counts(self) -> dict[tuple[str, str], int]:
        """By model and outcome, how many; `failed` are the tries that Jenkins did not take."""
        numbers = self._counts("model").items()
        return {(model, outcome): number for (model, outcome), number in numbers}
