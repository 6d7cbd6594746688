"""What really happened, for predictions that were journalled.

Truth belongs to a row of a request, and so to all its predictions: the champion's, a shadow's, and
those of a client that tried again. The same truth again changes nothing. Another truth for the same
row replaces it, and the former is kept in `truth_former`.

A prediction counts as known from the moment it is spooled on this node, shipped or not. One that
another node has just answered is known here once it is shipped, within a second or so when all is
well: an unknown that is fresh is worth another try.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from service.bundle.contract import Contract, Invalid
from service.journal.database.connection import connect, moment, statement, transaction
from service.journal.database.migrate import migrate
from service.journal.errors import JournalError
from service.journal.spool.segments import unshipped
from service.journal.truth_rules import Entry, normal, refusals
from service.settings import JournalSettings

__all__ = ["Entry", "Key", "Outcome", "TruthTable"]


class Key(msgspec.Struct, frozen=True):
    request_id: str
    row: int


class Outcome(msgspec.Struct, frozen=True):
    """How many were new, the same as before, or replaced another; and who is not known."""

    stored: int
    unchanged: int
    replaced: int
    unknown: tuple[Key, ...]


class _Truth(NamedTuple):
    """A row of the table `truth`; the value as JSON."""

    model: str
    request_id: str
    row: int
    at: Any
    received_at: Any
    value: Any
    label: str | None
    number: float | None


class TruthTable:
    """Safe between threads. Made at the first truth: it makes a worker load SQLAlchemy."""

    def __init__(self, settings: JournalSettings, contracts: Mapping[tuple[str, str], Contract]):
        self._spool = settings.spool
        self._contracts = contracts
        self._engine = connect(settings.url)
        #: Its statements take all rows at once, as one document; SQLite's take one row each.
        self._is_postgresql = self._engine.dialect.name == "postgresql"
        self._lock = threading.Lock()
        self._prepared = False

    def close(self) -> None:
        self._engine.dispose()

    def store(self, model: str, entries: Sequence[Entry]) -> Outcome:
        """Raises Invalid for values that the contract refuses (nothing is stored then), and Unavailable.

        Where a key comes twice, the last one counts.
        """
        values = self._check(model, entries)
        self._prepare()
        times = self._find(model, set(values))
        of_predictions = {key: value for key, value in values.items() if key in times}
        stored, replaced = self._write(model, of_predictions, times)
        return Outcome(
            stored=stored,
            unchanged=len(of_predictions) - stored - replaced,
            replaced=replaced,
            unknown=tuple(key for key in values if key not in times),
        )

    def _check(self, model: str, entries: Sequence[Entry]) -> dict[Key, Any]:
        contracts = [contract for (name, _), contract in self._contracts.items() if name == model]
        if not contracts:
            served = ", ".join(sorted({name for name, _ in self._contracts}))
            raise JournalError(f"given truth of {model!r}; served are {served}; name one of these")
        errors = [
            error
            for number, entry in enumerate(entries)
            for error in refusals(number, entry, contracts)
        ]
        if errors:
            raise Invalid(errors)
        return {
            Key(entry.request_id, entry.row): normal(entry.value, contracts[0]) for entry in entries
        }

    def _prepare(self) -> None:
        """The first truth may come before the shipper made the tables."""
        with self._lock:
            if not self._prepared:
                migrate(self._engine)
                self._prepared = True

    def _find(self, model: str, wanted: set[Key]) -> dict[Key, dt.datetime]:
        """When each was predicted. The spool between two looks at the table: rows move meanwhile."""
        times = self._find_stored(model, wanted)
        if missing := wanted - times.keys():
            times |= self._find_spooled(model, missing)
        if missing := wanted - times.keys():
            times |= self._find_stored(model, missing)
        return times

    def _find_stored(self, model: str, wanted: Iterable[Key]) -> dict[Key, dt.datetime]:
        keys = msgspec.json.encode(list(wanted)).decode()
        with transaction(self._engine) as connection:
            rows = connection.execute(self._sql("find"), {"model": model, "keys": keys})
            return {Key(request_id, row): _utc(at) for request_id, row, at in rows}

    def _find_spooled(self, model: str, wanted: set[Key]) -> dict[Key, dt.datetime]:
        ids = {key.request_id for key in wanted}
        return {
            Key(record.request_id, row): dt.datetime.fromtimestamp(record.at, dt.UTC)
            for name, rows, record in unshipped(self._spool)
            if name == model and record.request_id in ids
            for row in range(rows)
        }

    def _write(
        self, model: str, values: Mapping[Key, Any], times: Mapping[Key, dt.datetime]
    ) -> tuple[int, int]:
        """How many were new, and how many replaced another."""
        if not values:
            return 0, 0
        now = moment(self._engine, dt.datetime.now(dt.UTC))
        # In one order, so that two writers never wait for each other.
        truths = [
            _Truth(
                model,
                key.request_id,
                key.row,
                moment(self._engine, times[key]),
                now,
                self._json(values[key]),
                values[key] if isinstance(values[key], str) else None,
                values[key] if isinstance(values[key], float) else None,
            )._asdict()
            for key in sorted(values, key=lambda key: (key.request_id, key.row))
        ]
        parameters: Any = truths
        if self._is_postgresql:
            parameters = {"batch": _encoded(truths), "now": now}
        with transaction(self._engine) as connection:
            stored = connection.execute(self._sql("truth_new"), parameters).rowcount
            if self._is_postgresql:
                # SQLite's transaction is the only writer already.
                connection.execute(self._sql("truth_lock"), parameters)
            connection.execute(self._sql("truth_former"), parameters)
            return stored, connection.execute(self._sql("truth_replace"), parameters).rowcount

    def _sql(self, name: str) -> sa.TextClause:
        return statement(self._engine, name)

    def _json(self, value: Any) -> Any:
        """PostgreSQL reads the value as JSON inside the batch; SQLite keeps it as text."""
        return value if self._is_postgresql else _encoded(value)


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _utc(at: str | dt.datetime) -> dt.datetime:
    """SQLite gives the text back that it was given."""
    if isinstance(at, str):
        at = dt.datetime.fromisoformat(at)
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at
