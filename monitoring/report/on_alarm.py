"""Reports of the windows that raised an alarm, made beside the judging: who is called at night finds them there."""

from __future__ import annotations

import datetime as dt
import logging

from monitoring.background import BackgroundTask
from monitoring.findings.store import Store
from monitoring.findings.values import Alarm, WindowRecord
from monitoring.report.reports import NoReport, ReportBusy, Reports

_LOG = logging.getLogger(__name__)
#: Seconds between two looks; each makes one report at most.
EVERY = 20.0
#: Of alarms from before, whoever looks can ask for one.
RECENT = dt.timedelta(hours=6)


class AlarmReports(BackgroundTask):
    """What cannot be made is a line in the log."""

    def __init__(self, store: Store, reports: Reports):
        super().__init__("alarm-reports", EVERY)
        self._store, self._reports = store, reports
        #: Windows whose report was made, or cannot be.
        self._done: set[tuple[str, ...]] = set()

    def work(self) -> bool:
        self.make_next()
        return False

    def note_fault(self, reason: str) -> None:
        _LOG.error("no report: %s", reason)

    def make_next(self) -> bool:
        """The newest that is lacking; False where there is none to make."""
        now = dt.datetime.now(dt.UTC)
        for alarm in self._store.alarms(standing=True):
            window = (alarm.model, alarm.version, alarm.arm, alarm.window_start.isoformat())
            if window in self._done or now - alarm.raised_at > RECENT:
                continue
            self._done.add(window)
            record = self._record(alarm)
            if record is not None:
                self._make(record)
                return True
        return False

    def _record(self, alarm: Alarm) -> WindowRecord | None:
        windows = self._store.windows(
            alarm.model, alarm.version, alarm.arm, since=alarm.window_start, limit=1000
        )
        return next((window for window in windows if window.start == alarm.window_start), None)

    def _make(self, record: WindowRecord) -> None:
        try:
            self._reports.report(record)
        except (NoReport, ReportBusy) as error:
            _LOG.warning("no report of %s at %s: %s", record.model, record.start, error)
