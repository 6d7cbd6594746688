"""What the pages ask the journal: the predictions behind an id, their truths, and how new the newest is."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import sqlalchemy as sa

from monitoring.window.connection import as_time
from service.journal.database.connection import connect_to_read, moment, transaction

#: A page does not wait longer for the database.
STATEMENT_SECONDS = 10.0
#: A request may have very many rows.
MOST = 100
#: As `make trace` takes it (scripts/command/options.py).
IDENTITY = re.compile(r"[A-Za-z0-9._:-]{1,128}")
TRACE = re.compile(r"[0-9a-f]{32}")
#: Partitions from before there were traces have no index of them: to look further back would read whole days.
TRACE_DAYS = 7
_FIRST = f"ORDER BY at, row LIMIT {MOST + 1}"
_BY_ID = (
    f"SELECT * FROM prediction WHERE prediction_id = :id OR request_id = :id {_FIRST}"  # nosec B608
)
_BY_TRACE = f"SELECT * FROM prediction WHERE trace_id = :id AND at >= :since {_FIRST}"  # nosec B608
_TRUTH = (
    "SELECT value, received_at, NULL AS replaced_at FROM truth"
    " WHERE model = :model AND request_id = :request AND row = :row"
)
_FORMER = (
    "SELECT value, received_at, replaced_at FROM truth_former"
    " WHERE model = :model AND request_id = :request AND row = :row ORDER BY replaced_at DESC LIMIT 20"
)
_NEWEST = "SELECT max(at) FROM prediction WHERE model = :model"
Row = dict[str, Any]


class JournalLookup:
    """Reads alone. Raises Unavailable where the database is away."""

    def __init__(self, url: str):
        self._engine = connect_to_read(url, STATEMENT_SECONDS)

    def close(self) -> None:
        self._engine.dispose()

    def predictions(self, identity: str) -> list[Row]:
        """By the id of a prediction, a request or a trace; one more than `MOST` where there are more."""
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.text(_BY_ID), {"id": identity}).mappings().all()
            if not rows and TRACE.fullmatch(identity.lower()) and _has_traces(connection):
                since = moment(
                    self._engine, dt.datetime.now(dt.UTC) - dt.timedelta(days=TRACE_DAYS)
                )
                asked = {"id": identity.lower(), "since": since}
                rows = connection.execute(sa.text(_BY_TRACE), asked).mappings().all()
        return [self._decoded(dict(row)) for row in rows]

    def truths(self, row: Row) -> list[Row]:
        """The newest first; what was replaced says when."""
        key = {"model": row["model"], "request": row["request_id"], "row": row["row"]}
        with transaction(self._engine) as connection:
            truths = [
                dict(truth)
                for query in (_TRUTH, _FORMER)
                for truth in connection.execute(sa.text(query), key).mappings()
            ]
        return [self._decoded(truth) for truth in truths]

    def newest(self, model: str) -> dt.datetime | None:
        with transaction(self._engine) as connection:
            return as_time(connection.scalar(sa.text(_NEWEST), {"model": model}))

    def _decoded(self, row: Row) -> Row:
        """Times aware, JSON read: SQLite keeps both as text, PostgreSQL's driver has read them."""
        for name in ("at", "received_at", "replaced_at"):
            if name in row:
                row[name] = as_time(row[name])
        for name in ("features", "prediction", "probabilities", "value"):
            if isinstance(row.get(name), str) and self._engine.dialect.name == "sqlite":
                row[name] = json.loads(row[name])
        return row


def _has_traces(connection: sa.Connection) -> bool:
    """Not in a journal that waits for its migration."""
    return "trace_id" in {
        column["name"] for column in sa.inspect(connection).get_columns("prediction")
    }
