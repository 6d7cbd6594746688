"""What the three tools said of a window, and what becomes an alarm after two of three windows."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from numpy.typing import NDArray
from scipy import stats

from monitoring.drift import judge_columns
from monitoring.findings.values import Finding
from monitoring.judge.alarms import JudgedWindow, change_alarms
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Reference
from tests.bench.silence.population import contract
from tests.support.monitoring import record_of
from tests.support.monitoring.windows import DAY, START, window_of

CONTRACT = contract()
RULES = MonitorRules()
TRIPLE = 3


class Rate(NamedTuple):
    """How many of so many, with the exact 95 % interval of Clopper and Pearson."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of

    @property
    def interval(self) -> tuple[float, float]:
        interval = stats.binomtest(self.hits, self.of).proportion_ci(0.95, method="exact")
        return float(interval.low), float(interval.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.share:.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def judged(number: int, findings: list[Finding], rows: int) -> JudgedWindow:
    start = START + number * DAY
    record = record_of(start, start + DAY, model="population", rows=rows)
    return JudgedWindow(record, findings)


def judge_ours(windows: list[NDArray[Any]], reference: Reference) -> list[JudgedWindow]:
    return [
        judged(number, judge_columns(window_of(rows), reference, CONTRACT, RULES), len(rows))
        for number, rows in enumerate(windows)
    ]


def raised_columns(window: JudgedWindow) -> set[str]:
    return {
        finding.column
        for finding in window.findings
        if finding.kind == "drift" and finding.verdict == "raised"
    }


def alarmed(windows: list[JudgedWindow]) -> set[tuple[str, str]]:
    """Kind and column of each alarm that these windows raise, one after the other."""
    now = dt.datetime.now(dt.UTC)
    return {
        (alarm.kind, alarm.column)
        for last in range(len(windows))
        for alarm in change_alarms(windows[: last + 1], [], RULES, now)
    }


def two_of_three(raised: list[set[str]]) -> set[str]:
    """For tools without such a rule of their own: the same column in two of three windows, whichever way it moved."""
    return {
        column for column in set().union(*raised) if sum(column in each for each in raised) >= 2
    }
