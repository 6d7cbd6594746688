"""What the monitor keeps beside windows: which sources answer, what was sent and seen, each model's last success."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from monitoring.findings.database import connect, migrate, transaction
from monitoring.findings.rows import record_of
from monitoring.findings.tables import SOURCE, SUCCESS, TRUTH_SEEN, WINDOW
from monitoring.findings.values import Alarm, SourceState, WindowRecord

#: Where judged windows are sent to.
Place = Literal["mlflow", "elastic"]


class Ledger:
    """The part of `Store` in which the schedule and the senders keep their books."""

    def __init__(self, url: str):
        self.engine = connect(url)

    def prepare(self) -> list[str]:
        """Makes the tables, or what they lack."""
        return migrate(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    def clock(self) -> dt.datetime | None:
        """What time the database has; None of a file, which has this machine's."""
        if self.engine.dialect.name != "postgresql":
            return None
        with transaction(self.engine) as connection:
            now: dt.datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
            return now

    def note_source(
        self, source: str, up: bool, reason: str, at: dt.datetime, value: float | None = None
    ) -> None:
        """`since` stays as it is for as long as `up` does."""
        with transaction(self.engine) as connection:
            before = connection.execute(
                sa.select(SOURCE.c.up, SOURCE.c.since).where(SOURCE.c.source == source)
            ).first()
            since = before.since if before is not None and before.up == up else at
            row = {"source": source, "up": up, "since": since, "checked_at": at}
            row |= {"reason": reason, "value": value}
            connection.execute(self.upsert(SOURCE, row, ("source",)))

    def sources(self) -> list[SourceState]:
        with transaction(self.engine) as connection:
            rows = connection.execute(sa.select(SOURCE).order_by(SOURCE.c.source)).mappings()
            return [SourceState(**dict(row)) for row in rows]

    def note_success(self, model: str, at: dt.datetime) -> None:
        with transaction(self.engine) as connection:
            connection.execute(self.upsert(SUCCESS, {"model": model, "at": at}, ("model",)))

    def last_success(self) -> dict[str, dt.datetime]:
        """When the windows of each model were last judged without a fault."""
        with transaction(self.engine) as connection:
            return {row.model: row.at for row in connection.execute(sa.select(SUCCESS))}

    def forget_successes(self, models: Collection[str]) -> None:
        """Those of other models than these: nobody looks at them, so that they would be called stale for ever."""
        with transaction(self.engine) as connection:
            connection.execute(sa.delete(SUCCESS).where(SUCCESS.c.model.not_in(sorted(models))))

    def truth_seen(self, model: str) -> dt.datetime | None:
        query = sa.select(TRUTH_SEEN.c.at).where(TRUTH_SEEN.c.model == model)
        with transaction(self.engine) as connection:
            at: dt.datetime | None = connection.scalar(query)
            return at

    def late(self, model: str, version: str, arm: str, limit: int = 100) -> list[WindowRecord]:
        """Windows that are to be judged again, the newest first."""
        query = (
            sa.select(WINDOW)
            .where(*of_arm(model, version, arm, None), WINDOW.c.late_at.is_not(None))
            .order_by(WINDOW.c.start.desc())
            .limit(limit)
        )
        with transaction(self.engine) as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def incomplete(
        self, model: str, since: dt.datetime, complete: dt.datetime, limit: int = 500
    ) -> list[WindowRecord]:
        """Windows of all arms, since then, that were judged before the journal was complete; by now it is."""
        query = (
            sa.select(WINDOW)
            .where(*of_arm(model, None, None, since))
            .where(WINDOW.c.watermark < WINDOW.c.end, WINDOW.c.end <= complete)
            .order_by(WINDOW.c.start.desc())
            .limit(limit)
        )
        with transaction(self.engine) as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def note_complete(self, records: Sequence[WindowRecord], complete: dt.datetime) -> None:
        """The journal is complete up to then; these windows lacked nothing, or are judged again."""
        with transaction(self.engine) as connection:
            for record in records:
                connection.execute(
                    sa.update(WINDOW)
                    .where(*is_arm(record), WINDOW.c.start == record.start)
                    .values(watermark=complete)
                )

    def unsent(self, place: Place, limit: int = 100) -> list[WindowRecord]:
        """Windows of which the place has not the last judgement, the oldest first."""
        sent = WINDOW.c[f"sent_{place}"]
        query = (
            sa.select(WINDOW)
            .where(sa.or_(sent.is_(None), sent != WINDOW.c.judged_at))
            .order_by(WINDOW.c.start, WINDOW.c.id)
            .limit(limit)
        )
        with transaction(self.engine) as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def note_sent(self, place: Place, record: WindowRecord) -> None:
        """Nothing where the window was judged again in the meantime: then that is still to be sent."""
        conditions = (WINDOW.c.start == record.start, WINDOW.c.judged_at == record.judged_at)
        with transaction(self.engine) as connection:
            connection.execute(
                sa.update(WINDOW)
                .where(*is_arm(record), *conditions)
                .values({f"sent_{place}": record.judged_at})
            )

    def upsert(self, table: sa.Table, row: dict[str, Any], key: tuple[str, ...]) -> sa.Executable:
        """Without `key`, what is there already stays as it is."""
        # Both dialects have the same words for it, and SQLAlchemy a class for each.
        insert: Any = (
            postgresql.insert if self.engine.dialect.name == "postgresql" else sqlite.insert
        )
        new = insert(table).values(row)
        if not key:
            return new.on_conflict_do_nothing()  # type: ignore[no-any-return]
        return new.on_conflict_do_update(index_elements=key, set_=row)  # type: ignore[no-any-return]


def is_arm(of: WindowRecord | Alarm) -> tuple[sa.ColumnElement[bool], ...]:
    return of_arm(of.model, of.version, of.arm, None)


def of_arm(
    model: str, version: str | None, arm: str | None, since: dt.datetime | None
) -> tuple[sa.ColumnElement[bool], ...]:
    conditions = [WINDOW.c.model == model]
    if version is not None:
        conditions.append(WINDOW.c.version == version)
    if arm is not None:
        conditions.append(WINDOW.c.arm == arm)
    if since is not None:
        conditions.append(WINDOW.c.start >= since)
    return tuple(conditions)
