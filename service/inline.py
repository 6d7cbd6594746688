"""A Gunicorn worker whose poller answers what is small, quick and all there, without a thread.

Handing a request to a thread and its connection back costs twice what a prediction does: two threads take turns at one
interpreter lock. What may wait for anything, or takes long, still goes to a thread.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

#: What is read at once; a longer request goes to a thread.
MOST = 65536
#: The longest that the poller may be kept, on average.
LONGEST = 0.001
#: How long a closed connection may take to be closed by its client too.
CLOSE_SECONDS = 2.0
_START = re.compile(rb"POST (/[!-~]*) HTTP/1\.1\r\n").match
_FOR_THREADS = (b"\r\ntransfer-encoding", b"\r\nexpect:", b"\r\nupgrade:")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,8})\r\n").findall


def target_of(data: bytes) -> str | None:
    """The target of the one plain POST that these bytes hold from end to end; None for all else.

    Gunicorn's parser remains the judge of what is sound; this only says that it will not wait.
    """
    start = _START(data)
    end = data.find(b"\r\n\r\n")
    if start is None or end < 0:
        return None
    head = data[: end + 4].lower()
    lengths = _LENGTH(head)
    if len(lengths) != 1 or len(data) != end + 4 + int(lengths[0]):
        return None
    if head.count(b"\r\ncontent-length") > 1 or any(name in head for name in _FOR_THREADS):
        return None
    return start[1].decode("ascii")


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

    #: Whether a POST to this target waits for nobody. Set before the fork.
    quick: Callable[[str], bool] = staticmethod(lambda _target: False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._pace = Pace()
        self._closing: deque[Any] = deque()

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        target = self._read(conn, client)
        if target is None:
            super().on_client_socket_readable(conn, client)
            return
        self.keepalived_conns.remove(conn)
        self._answer(conn, client, target)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        conn.init()
        client.setblocking(False)
        target = self._read(conn, client)
        if target is None:
            super().on_pending_socket_readable(conn, client)
            return
        self.pending_conns.remove(conn)
        onwards = partial(self.on_client_socket_readable, conn)
        self.poller.modify(client, selectors.EVENT_READ, onwards)
        self._answer(conn, client, target)

    def _read(self, conn: Any, client: Any) -> str | None:
        """Gives the parser what has come; the target, if that is a quick request from end to end."""
        try:
            data = client.recv(MOST)
        except OSError:
            # The thread that gets the connection meets the same, and deals with it.
            return None
        conn.parser.unreader.unread(data)
        target = target_of(data)
        if target is None or not self.quick(target) or not self._pace.allows(target):
            return None
        return target

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
        self._closing.append(conn)

    def _drain(self, conn: Any, client: Any) -> None:
        """Unread bytes at a close would make the kernel take back the answer with a reset."""
        try:
            more = client.recv(MOST)
        except OSError:
            more = b""
        if not more:
            self._closing.remove(conn)
            self._end(conn)

    def _end(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        super().murder_pending()
        now = time.monotonic()
        while self._closing and self._closing[0].timeout <= now:
            self._end(self._closing.popleft())


class Connection(TConn):  # type: ignore[misc]
    """One whose end keeps nobody waiting."""

    def __init__(self, worker: InlineWorker, *args: Any):
        super().__init__(worker.cfg, *args)
        self._worker = worker

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self._worker.linger(self)
        else:
            super().close()
