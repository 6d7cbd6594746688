"""The monitor's tables: judged windows with their findings, alarms, sources that are down, last successes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from monitoring.findings.database import (
    ALARM,
    FINDING,
    SOURCE,
    SUCCESS,
    TRUTH_SEEN,
    WINDOW,
    connect,
    migrate,
    transaction,
)
from monitoring.findings.rows import (
    FINDING_COLUMNS,
    WINDOW_COLUMNS,
    alarm_of,
    cells_of,
    finding_of,
    record_of,
    unprefixed,
)
from monitoring.findings.values import Alarm, Finding, SourceState, WindowRecord

#: Windows removed in one transaction.
SWEEP_WINDOWS = 500


#: Where judged windows are sent to.
Place = Literal["mlflow", "elastic"]


class Arm(NamedTuple):
    """One version of a model in one part, as windows were judged of it."""

    model: str
    version: str
    arm: str


class Store:
    """Every method raises FindingsUnavailable where the database is away. Threads may share one."""

    def __init__(self, url: str):
        self.engine = connect(url)

    def prepare(self) -> list[str]:
        """Makes the tables, or what they lack."""
        return migrate(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    # What is written.

    def save(
        self,
        record: WindowRecord,
        findings: Sequence[Finding],
        raised: Sequence[Alarm] = (),
        resolved: Sequence[Alarm] = (),
    ) -> None:
        """Replaces an earlier judgement of the same window, and changes the alarms with it: all of it, or nothing."""
        with transaction(self.engine) as connection:
            former = sa.select(WINDOW.c.id).where(*_is(record), WINDOW.c.start_at == record.start)
            connection.execute(sa.delete(FINDING).where(FINDING.c.window_id.in_(former)))
            connection.execute(
                sa.delete(WINDOW).where(*_is(record), WINDOW.c.start_at == record.start)
            )
            new = connection.execute(sa.insert(WINDOW), cells_of(record, WINDOW_COLUMNS))
            identity = _identity(new)
            rows = [
                {"window_id": identity, "place": place, **cells_of(finding, FINDING_COLUMNS)}
                for place, finding in enumerate(findings)
            ]
            if rows:
                connection.execute(sa.insert(FINDING), rows)
            for alarm in resolved:
                connection.execute(_resolve(alarm))
            for alarm in raised:
                connection.execute(self._upsert(ALARM, cells_of(alarm, FINDING_COLUMNS), ()))

    def raise_alarm(self, alarm: Alarm) -> None:
        """Nothing where the same one stands already."""
        with transaction(self.engine) as connection:
            connection.execute(self._upsert(ALARM, cells_of(alarm, FINDING_COLUMNS), ()))

    def resolve_alarm(self, alarm: Alarm) -> None:
        """As of its `resolved_at`."""
        with transaction(self.engine) as connection:
            connection.execute(_resolve(alarm))

    def note_source(self, source: str, up: bool, reason: str, at: dt.datetime) -> None:
        """`since` stays as it is for as long as `up` does."""
        with transaction(self.engine) as connection:
            before = connection.execute(
                sa.select(SOURCE.c.up, SOURCE.c.since).where(SOURCE.c.source == source)
            ).first()
            since = before.since if before is not None and before.up == up else at
            row = {"source": source, "up": up, "since": since, "checked_at": at, "reason": reason}
            connection.execute(self._upsert(SOURCE, row, ("source",)))

    def note_success(self, model: str, at: dt.datetime) -> None:
        with transaction(self.engine) as connection:
            connection.execute(self._upsert(SUCCESS, {"model": model, "at": at}, ("model",)))

    def expire(self, before: dt.datetime) -> int:
        """Removes windows that ended before, with their findings, and alarms resolved before; how many windows."""
        old = sa.select(WINDOW.c.id).where(WINDOW.c.end_at < before).limit(SWEEP_WINDOWS)
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

    def _upsert(self, table: sa.Table, row: dict[str, Any], key: tuple[str, ...]) -> sa.Executable:
        """Without `key`, what is there already stays as it is."""
        # Both dialects have the same words for it, and SQLAlchemy a class for each.
        insert: Any = (
            postgresql.insert if self.engine.dialect.name == "postgresql" else sqlite.insert
        )
        new = insert(table).values(row)
        if not key:
            return new.on_conflict_do_nothing()  # type: ignore[no-any-return]
        return new.on_conflict_do_update(index_elements=key, set_=row)  # type: ignore[no-any-return]

    def note_sent(self, place: Place, record: WindowRecord) -> None:
        """Nothing where the window was judged again in the meantime: then that is still to be sent."""
        conditions = (WINDOW.c.start_at == record.start, WINDOW.c.judged_at == record.judged_at)
        with transaction(self.engine) as connection:
            connection.execute(
                sa.update(WINDOW)
                .where(*_is(record), *conditions)
                .values({f"sent_{place}": record.judged_at})
            )

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
            connection.execute(self._upsert(TRUTH_SEEN, row, ("model",)))

    # What is read.

    def truth_seen(self, model: str) -> dt.datetime | None:
        query = sa.select(TRUTH_SEEN.c.at).where(TRUTH_SEEN.c.model == model)
        with transaction(self.engine) as connection:
            at: dt.datetime | None = connection.scalar(query)
            return at

    def late(self, model: str, version: str, arm: str, limit: int = 100) -> list[WindowRecord]:
        """Windows that are to be judged again, the newest first."""
        query = (
            sa.select(WINDOW)
            .where(*_of(model, version, arm, None), WINDOW.c.late_at.is_not(None))
            .order_by(WINDOW.c.start_at.desc())
            .limit(limit)
        )
        with transaction(self.engine) as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def unsent(self, place: Place, limit: int = 100) -> list[WindowRecord]:
        """Windows of which the place has not the last judgement, the oldest first."""
        sent = WINDOW.c[f"sent_{place}"]
        query = (
            sa.select(WINDOW)
            .where(sa.or_(sent.is_(None), sent != WINDOW.c.judged_at))
            .order_by(WINDOW.c.start_at, WINDOW.c.id)
            .limit(limit)
        )
        with transaction(self.engine) as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def arms(self) -> list[Arm]:
        """Every version and arm of which there is a judged window, by model, the newest version first."""
        newest = sa.func.max(WINDOW.c.start_at)
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
        query = sa.select(WINDOW).where(*_of(model, version, arm, since))
        query = query.order_by(WINDOW.c.start_at.desc(), WINDOW.c.version, WINDOW.c.arm)
        with transaction(self.engine) as connection:
            return [record_of(row) for row in connection.execute(query.limit(limit)).mappings()]

    def findings(self, model: str, version: str, arm: str, start: dt.datetime) -> list[Finding]:
        """Of one window, in the order in which they were said; empty where it was not judged."""
        query = (
            sa.select(FINDING)
            .join(WINDOW, WINDOW.c.id == FINDING.c.window_id)
            .where(*_of(model, version, arm, None), WINDOW.c.start_at == start)
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
        earlier = () if before is None else (WINDOW.c.start_at < before,)
        newest = (
            sa.select(WINDOW.c.id)
            .where(*_of(model, version, arm, since), *earlier)
            .order_by(WINDOW.c.start_at.desc())
            .limit(limit)
            .scalar_subquery()
        )
        columns = [
            column.label(f"f_{column.name}")
            for column in FINDING.c
            if details or column.name != "details"
        ]
        query = (
            sa.select(WINDOW, *columns)
            .join(FINDING, WINDOW.c.id == FINDING.c.window_id)
            .where(FINDING.c.kind.in_(sorted(kinds)), WINDOW.c.id.in_(newest))
            .order_by(WINDOW.c.start_at, WINDOW.c.version, WINDOW.c.arm, FINDING.c.place)
        )
        with transaction(self.engine) as connection:
            rows = connection.execute(query).mappings().all()
        return [(record_of(row), finding_of(unprefixed(row))) for row in rows]

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

    def sources(self) -> list[SourceState]:
        with transaction(self.engine) as connection:
            rows = connection.execute(sa.select(SOURCE).order_by(SOURCE.c.source)).mappings()
            return [SourceState(**dict(row)) for row in rows]

    def clock(self) -> dt.datetime | None:
        """What time the database has; None of a file, which has this machine's."""
        if self.engine.dialect.name != "postgresql":
            return None
        with transaction(self.engine) as connection:
            now: dt.datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
            return now

    def last_success(self) -> dict[str, dt.datetime]:
        """When the windows of each model were last judged without a fault."""
        with transaction(self.engine) as connection:
            return {row.model: row.at for row in connection.execute(sa.select(SUCCESS))}


def _is(of: WindowRecord | Alarm) -> tuple[sa.ColumnElement[bool], ...]:
    return _of(of.model, of.version, of.arm, None)


def _of(
    model: str, version: str | None, arm: str | None, since: dt.datetime | None
) -> tuple[sa.ColumnElement[bool], ...]:
    conditions = [WINDOW.c.model == model]
    if version is not None:
        conditions.append(WINDOW.c.version == version)
    if arm is not None:
        conditions.append(WINDOW.c.arm == arm)
    if since is not None:
        conditions.append(WINDOW.c.start_at >= since)
    return tuple(conditions)


def _mark_late(record: WindowRecord, at: dt.datetime) -> sa.Update:
    return (
        sa.update(WINDOW)
        .where(*_is(record), WINDOW.c.start_at == record.start, WINDOW.c.late_at.is_(None))
        .values(late_at=at)
    )


def _resolve(alarm: Alarm) -> sa.Update:
    key = cells_of(alarm, FINDING_COLUMNS)
    names = ("model", "version", "arm", "kind", "column_name")
    return (
        sa.update(ALARM)
        .where(*(ALARM.c[name] == key[name] for name in names), ALARM.c.resolved_at.is_(None))
        .values(resolved_at=alarm.resolved_at)
    )


def _identity(result: sa.CursorResult[Any]) -> int:
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])
