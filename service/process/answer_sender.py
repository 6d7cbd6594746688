"""Answers until their clients have them: the rest of one, the next request, or the end of the connection."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from service.process.arrival import receive
from service.process.connection import ClientConnection, Loop, take_expired
from service.process.request_reader import MOMENT, RequestReader

#: How long a client may take none of its answer, and how long a closed connection may stay open at its end.
SEND_SECONDS = 30.0
CLOSE_SECONDS = 2.0


class AnswerSender:
    """Sees the answers of one worker out, and waits for nobody."""

    def __init__(self, loop: Loop, reader: RequestReader):
        self._loop, self._reader = loop, reader
        #: When each connection is over whose client takes nothing of its answer, or has not closed its end.
        self._unsent: dict[ClientConnection, float] = {}
        self._closing: dict[ClientConnection, float] = {}

    @property
    def closing(self) -> int:
        """How many connections wait for their client's end alone."""
        return len(self._closing)

    def settle(self, conn: ClientConnection, stays_open: bool) -> None:
        """What comes after an answer: the rest of it, the next request, or the end."""
        self._reader.forget(conn)
        if conn.unsent:
            conn.stays_open = stays_open
            self._unsent[conn] = time.monotonic() + SEND_SECONDS
            self._loop.await_client(conn, partial(self._send_more, conn), to_write=True)
        elif not stays_open:
            self._linger(conn)
        elif conn.arrival is not None:
            # Others have a turn before the next of many that came at once.
            self._loop.unwatch(conn)
            self._loop.defer(self._reader.advance, conn, conn.arrival)
        else:
            self._loop.keep_idle(conn)

    def _send_more(self, conn: ClientConnection, client: Any) -> None:
        """To a client that is slow to read what it asked for."""
        del self._unsent[conn]
        try:
            conn.unsent = conn.unsent[client.send(conn.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            conn.unsent, conn.stays_open = memoryview(b""), False
        self.settle(conn, conn.stays_open)

    def _linger(self, conn: ClientConnection) -> None:
        """Closes our side; the poller waits until its client closes too, and no thread does."""
        try:
            conn.end_answers()
            self._loop.await_client(conn, partial(self._discard, conn))
        except (OSError, ValueError):
            self._loop.drop(conn)
            return
        self._closing[conn] = time.monotonic() + CLOSE_SECONDS

    def _discard(self, conn: ClientConnection, client: Any) -> None:
        """Reads to the end: unread bytes at a close would make the kernel take back the answer with a reset."""
        if not receive(client):
            del self._closing[conn]
            self._loop.drop(conn)

    def end_slow(self, now: float) -> None:
        for conn in (*take_expired(self._closing, now), *take_expired(self._unsent, now)):
            self._loop.drop(conn)

    def make_room(self, most: int, now: float) -> None:
        """Drops those that have taken nothing of an answer for longest, and had a moment to."""
        newest = now + SEND_SECONDS - MOMENT
        deaf = [conn for conn, deadline in self._unsent.items() if deadline < newest]
        for conn in deaf[:most]:
            del self._unsent[conn]
            self._loop.drop(conn)
