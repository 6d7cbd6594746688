"""A Gunicorn worker whose poller gathers requests, and answers what is small and quick without a thread.

Handing a request to a thread and its connection back costs twice what a prediction does: two threads take turns at one
interpreter lock. What may wait for anything, or takes long, still goes to a thread; what has not all come does not.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from service.arrival import MOST, size_of, target_of

#: The longest that the poller may be kept, on average.
LONGEST = 0.001
#: How long a closed connection may take to be closed by its client too.
CLOSE_SECONDS = 2.0


class Gathered:
    """Stands for a socket while an answer is written: keeps the parts, to be sent as one."""

    def __init__(self, sock: socket.socket):
        self._sock = sock
        self._parts: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self._parts.append(data)

    def setblocking(self, blocking: bool) -> None:
        """The poller's sockets never block."""

    def send_what_goes(self) -> bytes:
        """Sends without waiting; returns what is left."""
        data = b"".join(self._parts)
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        return data[sent:]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class Pace:
    """Which targets are quick enough for the poller, by the time that they took lately."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def allows(self, target: str) -> bool:
        """A slow one goes to the threads, and is tried again after some requests."""
        usual = self._seconds.get(target, 0.0)
        if usual <= LONGEST:
            return True
        self._seconds[target] = usual * 0.98
        return False

    def took(self, target: str, seconds: float) -> None:
        usual = self._seconds.get(target, 0.0)
        self._seconds[target] = usual + (seconds - usual) / 8


class InlineWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that uses a thread only for what may keep it."""

    #: Set before the fork: whether a POST to this target waits for nobody, and how long a request
    #: may take to arrive.
    quick: Callable[[str], bool] = staticmethod(lambda _target: False)
    read_timeout = 15.0

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._pace = Pace()
        self._deadlines: dict[Any, float] = {}
        #: Connections that only their clients have not closed yet.
        self.closing: deque[Any] = deque()
        #: How many events the loop has found in this turn.
        self.ready = 0

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        events = self.poller.select(timeout)
        self.ready = len(events)
        for key, _ in events:
            key.data(key.fileobj)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        conn.init()
        client.setblocking(False)
        self.pending_conns.remove(conn)
        self._gather(conn, client)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        self.keepalived_conns.remove(conn)
        self._gather(conn, client)

    def _gather(self, conn: Any, client: Any) -> None:
        """Takes what has come, and goes on once the request is whole or the client has given up."""
        try:
            data = client.recv(MOST)
        except OSError:
            data = b""
        conn.came += data
        if data and len(conn.came) < conn.size:
            return
        size = size_of(conn.came)
        if data and size is not None and len(conn.came) < size:
            self._wait_for_rest(conn, client, size)
            return
        self._deadlines.pop(conn, None)
        came, conn.came, conn.size = conn.came, b"", 0
        conn.parser.unreader.unread(came)
        target = target_of(came) if len(came) == size else None
        if target is None or not self.quick(target) or not self._pace.allows(target):
            self.poller.unregister(client)
            self.enqueue_req(conn)
        else:
            self._answer(conn, client, target)

    def _wait_for_rest(self, conn: Any, client: Any, size: int) -> None:
        conn.size = size
        if conn not in self._deadlines:
            self._deadlines[conn] = time.monotonic() + self.read_timeout
            rest = partial(self._gather, conn)
            self.poller.modify(client, selectors.EVENT_READ, rest)

    def _answer(self, conn: Any, client: Any, target: str) -> None:
        started = time.thread_time()
        gathered = conn.sock = Gathered(client)
        try:
            kept = self.handle(conn)
        finally:
            conn.sock = client
        try:
            left = gathered.send_what_goes()
        except OSError:
            left, kept = b"", False
        if left:
            self.poller.unregister(client)
            self._send_in_thread(conn, left, kept)
        elif kept:
            conn.set_timeout()
            if not self.alive:
                conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
            self.keepalived_conns.append(conn)
            again = partial(self.on_client_socket_readable, conn)
            self.poller.modify(client, selectors.EVENT_READ, again)
        else:
            self.poller.unregister(client)
            self.nr_conns -= 1
            conn.close(graceful=True)
        # Not the time on the clock: on a busy machine that is mostly others'.
        self._pace.took(target, time.thread_time() - started)

    def _send_in_thread(self, conn: Any, left: bytes, kept: bool) -> None:
        """For a client that does not read what it asked for."""

        def send() -> bool:
            conn.sock.setblocking(True)
            conn.sock.sendall(left)
            return kept

        self.tpool.submit(send).add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def linger(self, conn: Any) -> None:
        """Closed from our side; the poller waits until its client closes too, and no thread does."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
        except (OSError, ValueError):
            conn.close()
            return
        self.nr_conns += 1
        conn.timeout = time.monotonic() + CLOSE_SECONDS
        self.closing.append(conn)

    def _drain(self, conn: Any, client: Any) -> None:
        """Unread bytes at a close would make the kernel take back the answer with a reset."""
        try:
            more = client.recv(MOST)
        except OSError:
            more = b""
        if not more:
            self.closing.remove(conn)
            self._end(conn)

    def _end(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def handle(self, conn: Any) -> Any:
        self._deadlines[conn] = time.monotonic() + self.read_timeout
        try:
            return super().handle(conn)
        finally:
            self._deadlines.pop(conn, None)

    def unbound(self, sock: Any) -> None:
        """A stream may take as long as it likes."""
        for conn in list(self._deadlines):
            if conn.sock is sock:
                self._deadlines.pop(conn, None)

    def murder_pending(self) -> None:
        """Called at every turn of the loop."""
        super().murder_pending()
        self._end_slow()
        now = time.monotonic()
        while self.closing and self.closing[0].timeout <= now:
            self._end(self.closing.popleft())

    def _end_slow(self) -> None:
        """Reading ends for who has not sent a whole request in time; an answer still goes out."""
        now = time.monotonic()
        for conn, deadline in list(self._deadlines.items()):
            if now > deadline:
                self._deadlines.pop(conn, None)
                try:
                    conn.sock.shutdown(socket.SHUT_RD)
                except OSError:
                    continue


class Connection(TConn):  # type: ignore[misc]
    """One whose end keeps nobody waiting."""

    def __init__(self, worker: InlineWorker, *args: Any):
        super().__init__(worker.cfg, *args)
        self._worker = worker
        #: What has come of a request, and how long it will be at least.
        self.came, self.size = b"", 0

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self._worker.linger(self)
        else:
            super().close()
