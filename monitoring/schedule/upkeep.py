"""What a look does only now and then: once an hour it counts rows again, once a day it removes what is too old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from monitoring.findings import Experiments, Retrains, Scalings, Store
from monitoring.references import References
from monitoring.schedule import due
from monitoring.schedule.clock import Moment
from monitoring.schedule.history import History
from monitoring.schedule.log_lines import log_alarm
from monitoring.window.journal import JournalReader
from monitoring.window.values import Arm

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
#: Of the hourly count of windows that are judged already: those of the last day, and predictions in all.
MOST_COUNTED = 5_000_000
LEAST_RETRAIN_DAYS = 400


class Upkeep:
    """Remembers when it counted and swept last; a process that starts does both."""

    def __init__(
        self, store: Store, journal: JournalReader, references: References, retention_days: int
    ):
        self._store, self._journal, self._references = store, journal, references
        self._retention_days = retention_days
        self._history = History(store)
        self._counted = self._swept = dt.datetime.min.replace(tzinfo=dt.UTC)

    def count_again(self, arms: Collection[Arm], moment: Moment) -> None:
        """Once an hour, whether rows came to the windows of the last day: a node may have been away with its spool."""
        if moment.now - self._counted < HOUR:
            return
        self._counted = moment.now
        counted = 0
        for arm in sorted(arms):
            for record in self._store.windows(
                *arm, since=moment.now - DAY, limit=due.MOST_SEARCHED
            ):
                counted += record.predictions
                if counted <= MOST_COUNTED:
                    due.mark_by_rows(self._store, self._journal, arm, [record], moment.now)

    def sweep(self, arms: Collection[Arm], moment: Moment) -> None:
        """Once a day, what is too old to be kept goes."""
        if moment.now - self._swept < DAY:
            return
        self._swept = moment.now
        for alarm in self._history.withdrawn(moment.now):
            self._store.resolve_alarm(alarm)
            log_alarm(alarm)
        self._store.forget_successes({arm.model for arm in arms})
        if self._retention_days:
            oldest = moment.now - dt.timedelta(days=self._retention_days)
            self._store.expire(oldest)
            Experiments(self._store).expire(oldest)
            # They are few, and a cool-down is counted by them.
            days = max(self._retention_days, LEAST_RETRAIN_DAYS)
            for table in (Retrains(self._store.engine), Scalings(self._store.engine)):
                table.expire(moment.now - dt.timedelta(days=days))
        self._references.forget({(arm.model, arm.version) for arm in self._store.arms()})
