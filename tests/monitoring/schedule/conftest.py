from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitoring.findings import Finding, Store
from monitoring.schedule.loop import Judge
from monitoring.settings import Settings, read_settings
from service.bundle.monitor_rules import MonitorRules
from tests.support.monitoring.bundles import write_monitored
from tests.support.monitoring.traffic import MINUTE, Traffic
from tests.support.service.bundles import YIELD

#: Another model, which stands before it.
SECOND = msgspec.structs.replace(YIELD, model="a-second")
KEY = (YIELD.model, "1", "champion")


class Watch:
    """A monitor over a journal, in windows of a minute; `look(n)` is a look n minutes after the beginning."""

    def __init__(self, settings: Settings, start: dt.datetime):
        self.settings, self.start = settings, start
        self.traffic = Traffic(settings.journal_url, YIELD)
        self.judge = Judge(settings)
        self.store: Store = self.judge.store
        self.store.prepare()

    def at(self, minutes: float) -> dt.datetime:
        return self.start + minutes * MINUTE

    def look(self, minutes: float) -> int:
        return self.judge.monitor.look(self.at(minutes))

    def predict(self, minute: int, **how: Any) -> list[str]:
        return self.traffic.predict(self.at(minute), **how)

    def findings(self, minute: int, *kinds: str) -> list[Finding]:
        findings = self.store.findings(*KEY, self.at(minute))
        return [finding for finding in findings if not kinds or finding.kind in kinds]

    def rows(self) -> dict[int, int]:
        """Of the judged windows, by their minute."""
        windows = self.store.windows(*KEY)
        return {
            round((window.start - self.start) / MINUTE): window.rows for window in reversed(windows)
        }

    def source(self, name: str) -> tuple[bool, str]:
        (state,) = [state for state in self.store.sources() if state.source == name]
        return state.up, state.reason

    def close(self) -> None:
        self.judge.close()
        self.traffic.close()


@pytest.fixture
def environ(database: str, tmp_path: Path) -> dict[str, str]:
    journal = database.replace("monitor.db", "journal.db")
    write_monitored(tmp_path / "bundles", YIELD, rules=MonitorRules(bounds={}))
    return {
        "JOURNAL_URL": journal,
        "FINDINGS_URL": database,
        "BUNDLES": str(tmp_path / "bundles"),
        "MONITOR_STATE": str(tmp_path / "state"),
        "MONITOR_WINDOW": "1m",
        "MONITOR_ALLOWANCE": "5",
        "LOG_LEVEL": "error",
    }


@pytest.fixture
def start() -> dt.datetime:
    """Two hours ago, so that no window is of a time that is yet to come."""
    now = dt.datetime.now(dt.UTC)
    return now.replace(second=0, microsecond=0) - dt.timedelta(hours=2)


@pytest.fixture
def make_watch(start: dt.datetime) -> Iterator[Callable[[dict[str, str]], Watch]]:
    watches: list[Watch] = []

    def make(environ: dict[str, str]) -> Watch:
        watches.append(Watch(read_settings(environ), start))
        return watches[-1]

    yield make
    for watch in watches:
        watch.close()


@pytest.fixture
def watch(make_watch: Callable[[dict[str, str]], Watch], environ: dict[str, str]) -> Watch:
    return make_watch(environ)


@pytest.fixture
def second(watch: Watch) -> Iterator[Traffic]:
    # Another version, so that its predictions have ids of their own.
    traffic = Traffic(watch.settings.journal_url, SECOND, version="2")
    yield traffic
    traffic.close()
