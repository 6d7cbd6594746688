"""A connection whose requests and answers wait in the poller, and never in a thread."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

from service.process.arrival import Arrival

if TYPE_CHECKING:
    from service.process.patience import PatientWorker

#: Gunicorn copies what it has of a body for each chunk of it, so it gets no more at once.
PIECE = 16384


class NotYet(BaseException):
    """A body was read that has not come. For the worker alone: no handler of errors may answer it."""


class Absent:
    """Stands for a body that is not there: who can answer without it does so at once."""

    def __init__(self, reason: BaseException):
        self._reason = reason

    def read(self, _size: int | None = None) -> NoReturn:
        raise self._reason


class Gathered:
    """Stands for a socket while an answer is written: keeps the parts, to be sent as one."""

    def __init__(self, sock: socket.socket):
        self._sock = sock
        self._parts: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self._parts.append(data)

    def setblocking(self, blocking: bool) -> None:
        """The poller's sockets never block."""

    def give_up(self) -> None:
        """From here on a thread waits at the socket itself: a stream's own."""
        self._sock.setblocking(True)

    def send_what_goes(self) -> memoryview:
        """Sends without waiting; returns what is left."""
        data = b"".join(self._parts)
        try:
            sent = self._sock.send(data) if data else 0
        except BlockingIOError:
            sent = 0
        return memoryview(data)[sent:]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class Connection(TConn):  # type: ignore[misc]  # pylint: disable=too-many-instance-attributes
    """One whose start and end keep nobody waiting."""

    def __init__(self, worker: PatientWorker, *args: Any):
        super().__init__(worker.cfg, *args)
        self._worker = worker
        # Its parser never sees the socket: it is given each request, or what there is of one.
        self.initialized, self.parser = True, None
        #: What the poller calls once the socket is ready; None: it looks elsewhere.
        self.watched: Callable[[Any], None] | None = None
        #: The same, between two requests: made once, for most connections know nothing else.
        self.on_next = partial(worker.on_client_socket_readable, self)
        #: The request that comes; None between two of them.
        self.arrival: Arrival | None = None
        #: Why there is no body to be read: it has not come, or is too long.
        self.absent: BaseException | None = None
        #: Whether a request's head was judged, and found good.
        self.admitted = False
        #: Whether the parser was given less than a request, so that nothing may follow.
        self.unfinished = False
        #: What its client has not taken yet of an answer, and whether another may follow.
        self.unsent, self.kept = memoryview(b""), False
        #: Bytes of the worker's allowance for long requests.
        self.held = 0

    def give(self, request: bytes, unfinished: bool = False) -> None:
        """What the parser reads next; then it sees an end."""
        self.unfinished = unfinished
        whole = len(request) <= PIECE
        source = iter((request,)) if whole else _pieces(request)
        self.parser = RequestParser(self.cfg, source, self.client)

    @property
    def asking(self) -> bool:
        """Whether a thread has the head, to judge it."""
        return isinstance(self.absent, NotYet)

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self._worker.linger(self)
        else:
            super().close()


def _pieces(request: bytes) -> Iterator[bytes]:
    for place in range(0, len(request), PIECE):
        yield request[place : place + PIECE]
