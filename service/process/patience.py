"""How long the poller waits for clients: to say what they want, to take their answers, to close their connections."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from service.process.arrival import MOST
from service.process.connection import Connection

#: How long a closed connection may take to be closed by its client too.
CLOSE_SECONDS = 2.0


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that waits for clients in its poller alone."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        #: When each request that is on its way has to be there; the first to end stands first.
        self.deadlines: dict[Connection, float] = {}
        #: The same for answers that clients are slow to take.
        self.unsent: dict[Connection, float] = {}
        #: Bytes of long requests, from their arrival to their answer.
        self.held = 0
        #: Connections that only their clients have not closed yet.
        self.closing: deque[Connection] = deque()
        #: How many events the loop has found in this turn.
        self.ready = 0

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        events = self.poller.select(timeout)
        self.ready = len(events)
        for key, _ in events:
            key.data(key.fileobj)

    def watch(self, conn: Connection, event: int, then: Callable[[Any], None]) -> None:
        if conn.watched is then:
            return
        change = self.poller.modify if conn.watched else self.poller.register
        change(conn.sock, event, then)
        conn.watched = then

    def unwatch(self, conn: Connection) -> None:
        if conn.watched:
            self.poller.unregister(conn.sock)
            conn.watched = None

    def drop(self, conn: Connection, graceful: bool = False) -> None:
        self.deadlines.pop(conn, None)
        self.held -= conn.held
        conn.held = 0
        self.unwatch(conn)
        self.nr_conns -= 1
        conn.close(graceful=graceful)

    def linger(self, conn: Connection) -> None:
        """Closed from our side; the poller waits until its client closes too, and no thread does."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.watch(conn, selectors.EVENT_READ, partial(self._drain, conn))
        except (OSError, ValueError):
            conn.close()
            return
        self.nr_conns += 1
        conn.timeout = time.monotonic() + CLOSE_SECONDS
        self.closing.append(conn)

    def _drain(self, conn: Connection, client: Any) -> None:
        """Unread bytes at a close would make the kernel take back the answer with a reset."""
        try:
            more = client.recv(MOST)
        except OSError:
            more = b""
        if not more:
            self.closing.remove(conn)
            self.drop(conn)

    def murder_pending(self) -> None:
        """Called at every turn of the loop."""
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        super().murder_pending()
        now = time.monotonic()
        while self.closing and self.closing[0].timeout <= now:
            self.drop(self.closing.popleft())
        for conn in _expired(self.unsent, now):
            self.drop(conn)
        for conn in _expired(self.deadlines, now):
            self.end_slow(conn)

    def _make_room(self) -> None:
        """Who holds connections and says nothing, or little, keeps nobody out: the oldest go first."""
        few = self.worker_connections // 8
        if self.pending_conns or not self.deadlines:
            for conn in islice(self.pending_conns or self.keepalived_conns, few):
                conn.timeout = 0.0
            return
        for conn in list(islice(self.deadlines, few)):
            if not conn.asking:
                self.drop(conn)

    def end_slow(self, conn: Connection) -> None:
        """Nobody waits any longer for the rest of its request."""
        self.drop(conn)


def _expired(deadlines: dict[Connection, float], now: float) -> list[Connection]:
    """Those whose time is over, which are taken out. All had the same time, so the oldest stand first."""
    expired = []
    for conn, deadline in deadlines.items():
        if deadline > now:
            break
        expired.append(conn)
    for conn in expired:
        del deadlines[conn]
    return expired
