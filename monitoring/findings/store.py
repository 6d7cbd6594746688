"""The monitor's tables: judged windows with their findings, alarms, sources that are down, last successes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from monitoring.findings.database import transaction
from monitoring.findings.ledger import Ledger, is_arm, of_arm
from monitoring.findings.rows import alarm_of, cells_of, finding_of, record_of
from monitoring.findings.tables import ALARM, FINDING, TRUTH_SEEN, WINDOW
from monitoring.findings.values import Alarm, Finding, WindowRecord

#: Windows removed in one transaction.
SWEEP_WINDOWS = 500


class Arm(NamedTuple):
    """One version of a model in one part, as windows were judged of it."""

    model: str
    version: str
    arm: str


def answering(arms: Iterable[Arm]) -> list[Arm]:
    """Of each model's arms the newest version, as `Store.arms` has them in order: others have gone."""
    newest: dict[tuple[str, str], Arm] = {}
    for arm in arms:
        newest.setdefault((arm.model, arm.arm), arm)
    return list(newest.values())


class Store(Ledger):
    """Every method raises FindingsUnavailable where the database is away. Threads may share one."""

    # What is written.

    def save(
        self,
        record: WindowRecord,
        findings: Sequence[Finding],
        raised: Sequence[Alarm] = (),
        resolved: Sequence[Alarm] = (),
        late_at: dt.datetime | None = None,
    ) -> None:
        """Replaces an earlier judgement of the same window, and changes the alarms with it: all of it, or nothing.

        With `late_at` it is to be judged again.
        """
        with transaction(self.engine) as connection:
            former = sa.select(WINDOW.c.id).where(*is_arm(record), WINDOW.c.start == record.start)
            connection.execute(sa.delete(FINDING).where(FINDING.c.window_id.in_(former)))
            connection.execute(
                sa.delete(WINDOW).where(*is_arm(record), WINDOW.c.start == record.start)
            )
            cells = cells_of(record) | {"late_at": late_at}
            new = connection.execute(sa.insert(WINDOW), cells)
            identity = _identity(new)
            rows = [
                {"window_id": identity, "place": place, **cells_of(finding)}
                for place, finding in enumerate(findings)
            ]
            if rows:
                connection.execute(sa.insert(FINDING), rows)
            for alarm in resolved:
                connection.execute(_resolve(alarm))
            for alarm in raised:
                connection.execute(self.upsert(ALARM, cells_of(alarm), ()))

    def resolve_alarm(self, alarm: Alarm) -> None:
        """As of its `resolved_at`."""
        with transaction(self.engine) as connection:
            connection.execute(_resolve(alarm))

    def expire(self, before: dt.datetime) -> int:
        """Removes windows that ended before, with their findings, and alarms resolved before; how many windows."""
        old = sa.select(WINDOW.c.id).where(WINDOW.c.end < before).limit(SWEEP_WINDOWS)
        removed, total = SWEEP_WINDOWS, 0
        while removed == SWEEP_WINDOWS:
            with transaction(self.engine) as connection:
                ids = list(connection.scalars(old))
                connection.execute(sa.delete(FINDING).where(FINDING.c.window_id.in_(ids)))
                connection.execute(sa.delete(WINDOW).where(WINDOW.c.id.in_(ids)))
            removed = len(ids)
            total += removed
        with transaction(self.engine) as connection:
            connection.execute(sa.delete(ALARM).where(ALARM.c.resolved_at < before))
        return total

    def note_late(self, records: Sequence[WindowRecord], at: dt.datetime) -> None:
        """More is known of these windows than what they were judged by; the next judgement ends it."""
        with transaction(self.engine) as connection:
            for record in records:
                connection.execute(_mark_late(record, at))

    def note_truth(self, model: str, seen: dt.datetime, records: Sequence[WindowRecord]) -> None:
        """Truth of these windows came up to `seen`."""
        with transaction(self.engine) as connection:
            for record in records:
                connection.execute(_mark_late(record, seen))
            row = {"model": model, "at": seen}
            connection.execute(self.upsert(TRUTH_SEEN, row, ("model",)))

    # What is read.

    def arms(self) -> list[Arm]:
        """Every version and arm of which there is a judged window, by model, the newest version first."""
        newest = sa.func.max(WINDOW.c.start)
        query = (
            sa.select(WINDOW.c.model, WINDOW.c.version, WINDOW.c.arm)
            .group_by(WINDOW.c.model, WINDOW.c.version, WINDOW.c.arm)
            .order_by(WINDOW.c.model, newest.desc(), WINDOW.c.arm)
        )
        with transaction(self.engine) as connection:
            return [Arm(*row) for row in connection.execute(query)]

    def windows(
        self,
        model: str,
        version: str | None = None,
        arm: str | None = None,
        since: dt.datetime | None = None,
        limit: int = 100,
    ) -> list[WindowRecord]:
        """The newest first: of all versions and arms, where none is named."""
        query = sa.select(WINDOW).where(*of_arm(model, version, arm, since))
        query = query.order_by(WINDOW.c.start.desc(), WINDOW.c.version, WINDOW.c.arm)
        with transaction(self.engine) as connection:
            return [record_of(row) for row in connection.execute(query.limit(limit)).mappings()]

    def findings(self, model: str, version: str, arm: str, start: dt.datetime) -> list[Finding]:
        """Of one window, in the order in which they were said; empty where it was not judged."""
        query = (
            sa.select(FINDING)
            .join(WINDOW, WINDOW.c.id == FINDING.c.window_id)
            .where(*of_arm(model, version, arm, None), WINDOW.c.start == start)
            .order_by(FINDING.c.place)
        )
        with transaction(self.engine) as connection:
            return [finding_of(row) for row in connection.execute(query).mappings()]

    def series(
        self,
        model: str,
        kinds: Collection[str],
        *,
        version: str | None = None,
        arm: str | None = None,
        since: dt.datetime | None = None,
        before: dt.datetime | None = None,
        limit: int = 200,
        details: bool = False,
    ) -> list[tuple[WindowRecord, Finding]]:
        """The findings of these kinds in the newest `limit` windows (that began `before`), the oldest first."""
        earlier = () if before is None else (WINDOW.c.start < before,)
        newest = (
            sa.select(WINDOW.c.id)
            .where(*of_arm(model, version, arm, since), *earlier)
            .order_by(WINDOW.c.start.desc())
            .limit(limit)
            .scalar_subquery()
        )
        columns = [column for column in FINDING.c if details or column.name != "details"]
        query = (
            sa.select(WINDOW, *columns)
            .join(FINDING, WINDOW.c.id == FINDING.c.window_id)
            .where(FINDING.c.kind.in_(sorted(kinds)), WINDOW.c.id.in_(newest))
            .order_by(WINDOW.c.start, WINDOW.c.version, WINDOW.c.arm, FINDING.c.place)
        )
        with transaction(self.engine) as connection:
            rows = connection.execute(query).mappings().all()
        return [(record_of(row), finding_of(row)) for row in rows]

    def alarms(
        self,
        model: str | None = None,
        standing: bool | None = None,
        limit: int = 100,
        *,
        version: str | None = None,
        arm: str | None = None,
    ) -> list[Alarm]:
        """The newest first: `standing` ones, resolved ones, or both where it is None."""
        wanted = {"model": model, "version": version, "arm": arm}
        query = sa.select(ALARM).where(
            *(ALARM.c[name] == value for name, value in wanted.items() if value is not None)
        )
        if standing is not None:
            resolved_at = ALARM.c.resolved_at
            query = query.where(resolved_at.is_(None) if standing else resolved_at.is_not(None))
        query = query.order_by(ALARM.c.raised_at.desc(), ALARM.c.id).limit(limit)
        with transaction(self.engine) as connection:
            return [alarm_of(row) for row in connection.execute(query).mappings()]


def _mark_late(record: WindowRecord, at: dt.datetime) -> sa.Update:
    return (
        sa.update(WINDOW)
        .where(*is_arm(record), WINDOW.c.start == record.start, WINDOW.c.late_at.is_(None))
        .values(late_at=at)
    )


def _resolve(alarm: Alarm) -> sa.Update:
    key = cells_of(alarm)
    names = ("model", "version", "arm", "kind", "column")
    return (
        sa.update(ALARM)
        .where(*(ALARM.c[name] == key[name] for name in names), ALARM.c.resolved_at.is_(None))
        .values(resolved_at=alarm.resolved_at)
    )


def _identity(result: sa.CursorResult[Any]) -> int:
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])
