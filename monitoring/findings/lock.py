"""The lock that lets one monitor judge at a time, whichever machine it runs on; it ends with its process."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import TextIO

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from monitoring.findings.database import unavailable

#: Any number will do that nobody else locks; the journal's is its neighbour.
_KEY = 0x5357_4A4F_5553


class JudgeLock:
    """`hold()` takes it, or says again that it is still held; False where another process has it.

    PostgreSQL's lock lives with a connection: where that breaks, the lock is gone, and `hold` takes it anew. SQLite has
    a file beside the database.
    """

    def __init__(self, engine: sa.Engine):
        self._engine = engine
        self._connection: sa.Connection | None = None
        self._file: TextIO | None = None

    def hold(self) -> bool:
        if self._engine.dialect.name == "postgresql":
            return self._hold_connection()
        return self._hold_file()

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._drop_connection()

    def _hold_file(self) -> bool:
        if self._file is not None:
            return True
        path = Path(str(self._engine.url.database))
        # Open for as long as the lock is held.
        # pylint: disable-next=consider-using-with
        file = path.with_name(f".{path.name}.lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def _hold_connection(self) -> bool:
        try:
            if self._connection is None:
                # Outside a transaction: one that idles is ended by the server.
                self._connection = self._engine.connect().execution_options(
                    isolation_level="AUTOCOMMIT"
                )
                if self._connection.scalar(sa.text(f"SELECT pg_try_advisory_lock({_KEY})")):
                    return True
                self._drop_connection()
                return False
            self._connection.execute(sa.text("SELECT 1"))
            return True
        except (DBAPIError, PoolTimeout) as error:
            self._drop_connection()
            raise unavailable(error) from error

    def _drop_connection(self) -> None:
        """Not back into the pool: there it would go on holding the lock."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(DBAPIError):
                connection.invalidate()
                connection.close()
