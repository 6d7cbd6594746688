"""`Taker`: decides of each message at once, and keeps what it decided; nothing is asked of Jenkins yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from monitoring.findings import Retrain, Retrains, Store, answering
from monitoring.retrain.decision import Facts, decide
from monitoring.retrain.message import Delivery, read_message
from service.process.logs import log

#: A model of which nothing was judged for so long is not served, as far as the monitor knows.
UNSEEN = dt.timedelta(days=31)
CHAMPION = "champion"


class Taker:
    """FindingsUnavailable where the database is away: who sent the message sends it again."""

    def __init__(self, store: Store, cooldown: dt.timedelta):
        self._store, self._cooldown = store, cooldown
        self._retrains = Retrains(store.engine)

    def take(self, body: bytes) -> list[Retrain]:
        """What became of the message, by model; BadMessage where it is none of Alertmanager's."""
        return [self._take(delivery) for delivery in read_message(body)]

    def _take(self, delivery: Delivery) -> Retrain:
        now = dt.datetime.now(dt.UTC)
        facts = facts_of(self._store, delivery.model, now)

        def by_history(history: Sequence[Retrain]) -> Retrain:
            return decide(delivery, facts, history, now, self._cooldown)

        request = self._retrains.take(delivery.model, by_history)
        if request.deliveries == 1:
            say(request)
        return request


def facts_of(store: Store, model: str, now: dt.datetime) -> Facts:
    arms = [arm for arm in answering(store.arms()) if arm.model == model]
    windows = [window for arm in arms for window in store.windows(*arm, limit=1)]
    if not any(now - window.end < UNSEEN for window in windows):
        return Facts(None, frozenset())
    version = next((arm.version for arm in arms if arm.arm == CHAMPION), "")
    alarms = store.alarms(model, standing=True, limit=1000, arm=CHAMPION)
    return Facts(version, frozenset(alarm.kind for alarm in alarms))


def say(request: Retrain) -> None:
    """One line in the log for each change of what becomes of a request."""
    words = f"{request.model or 'no model'}: {request.alerts or 'no alert'}: {request.outcome}"
    log(
        "info" if request.outcome in ("waiting", "started", "joined") else "warning",
        "retrain",
        message=": ".join(filter(None, (words, request.reason))),
        model=request.model,
        outcome=request.outcome,
        reason=request.reason or None,
        place=request.place or None,
    )
