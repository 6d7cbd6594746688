"""The poller: Gunicorn's gthread worker, which gathers requests, sends answers, and makes those that are quick.

Handing a request to a thread and its connection back costs twice what a prediction does: two threads take turns at one
interpreter lock. What takes long still goes to a thread; no thread ever waits for a client, but a stream's own.
`WORKER=gthread` runs Gunicorn's own class instead; docs/serving.md says what that gives up.

This module is all that touches what Gunicorn does not document. RELIED_ON lists each such name, and
tests/service/process/test_gunicorn_names.py holds it against the Gunicorn that is installed.
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

from service.process.arrival import (
    AbsentBody,
    Arrival,
    BodyNotHere,
    BodyTooLong,
    HeadTooLong,
    Stage,
    TooManyLongRequests,
    line_of,
    receive,
    size_of,
)
from service.process.pace import Pace
from service.process.state import State, WorkerHandle
from service.process.write_buffer import WriteBuffer

__all__ = ["NoMoreData", "ParseException", "Poller"]

#: Each undocumented name of Gunicorn, with the number of a method's parameters, and why it is needed.
RELIED_ON: dict[str, tuple[int | None, str]] = {
    # Overridden.
    "ThreadWorker.__init__": (None, "to add what the poller remembers"),
    "ThreadWorker.accept": (2, "even connections, and no thread for one that has said nothing"),
    "ThreadWorker.set_accept_enabled": (2, "at the stop, to take in who has connected"),
    "ThreadWorker.murder_pending": (1, "called at every turn of the loop: deadlines"),
    "ThreadWorker.handle": (2, "to answer in the poller, or in a thread that never waits"),
    "ThreadWorker.handle_request": (3, "between parser and application: bodies that are not here"),
    "ThreadWorker.finish_request": (3, "back in the poller, once a thread has done its part"),
    "ThreadWorker.handle_error": (5, "unsound HTTP gets a problem document"),
    "TConn.__init__": (5, "to give its parser no socket"),
    # Called.
    "TConn.close": (2, "the socket's end, at once"),
    "ThreadWorker.enqueue_req": (2, "hands a connection to a thread"),
    "ThreadWorker.method_queue.defer": (None, "the next turn of the loop"),
    "RequestParser.__init__": (4, "reads a request from bytes that have arrived"),
    "Request.force_close": (1, "where the next request would begin is not known"),
    # Read or set.
    "ThreadWorker.alive": (None, "false once a stop has begun"),
    "ThreadWorker.cfg": (None, "Gunicorn's settings"),
    "ThreadWorker.keepalived_conns": (None, "the loop closes those that are idle"),
    "ThreadWorker.nr_conns": (None, "the loop ends when there are none left"),
    "ThreadWorker.poller": (None, "the selector of the loop"),
    "ThreadWorker.sockets": (None, "to accept from, and to close, at the stop"),
    "ThreadWorker.tpool": (None, "the length of its queue, which is private to CPython"),
    "ThreadWorker.worker_connections": (None, "the most connections"),
    "TConn.client": (None, "the client's address"),
    "TConn.initialized": (None, "to keep it from making a parser of its own"),
    "TConn.parser": (None, "to set what is read next"),
    "TConn.sock": (None, "to stand a buffer in its place"),
    "TConn.timeout": (None, "when the loop closes an idle connection"),
    "Request.body": (None, "to stand for one that is not here"),
    "Request._expected_100_continue": (None, "the poller has said it"),
}

#: How long a client may take none of its answer, and how long a closed connection may stay open at its end.
SEND_SECONDS = 30.0
CLOSE_SECONDS = 2.0
#: The same for what is written by a thread, for the kernel: a stream's messages.
_SEND_TIMEOUT = struct.pack("ll", int(SEND_SECONDS), 0)
#: A new connection is left for so long, and so often, to a worker that has fewer. Clients keep theirs, so the first
#: deal stays.
PAUSE_SECONDS, PAUSES = 0.0005, 10
#: Gunicorn copies what it has of a body for each chunk of it, so it gets no more at once.
PIECE = 16384
#: Answered by the poller whatever it takes: who asks so decides whether this replica lives.
PROBES = frozenset(
    f"{method} {path}"
    for method in ("GET", "HEAD")
    for path in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/ping")
)


class Limits(NamedTuple):
    """Seconds for a request to arrive in, bytes of a body, and bytes of all long requests on their way together."""

    read_timeout: float = 15.0
    max_body: int = 1 << 23
    max_held: int = 8 << 23


class Connection(TConn):  # type: ignore[misc]  # pylint: disable=too-many-instance-attributes
    """A connection whose parser is given what has come, and so waits for nothing."""

    def __init__(self, worker: Poller, sock: socket.socket, client: Any, server: Any):
        super().__init__(worker.cfg, sock, client, server)
        # Its parser never sees the socket: it is given each request, or what there is of one.
        self.initialized, self.parser = True, None
        #: What the poller calls once the socket is ready; None: it looks elsewhere.
        self.callback: Callable[[Any], None] | None = None
        #: The callback between two requests and while one comes: made once, for most connections know nothing else.
        self.on_data = partial(worker.gather, self)
        #: The request that comes; None between two of them.
        self.arrival: Arrival | None = None
        #: Why there is no body to be read: it has not come, or is too long.
        self.absent: BaseException | None = None
        #: Whether the parser was given less than a request, so that nothing may follow.
        self.unfinished = False
        #: What its client has not taken yet of an answer, and whether another may follow.
        self.unsent, self.stays_open = memoryview(b""), False
        #: Bytes of the worker's allowance for long requests.
        self.held = 0

    def give(self, request: bytes, unfinished: bool = False) -> None:
        """Sets what the parser reads next; then it sees an end."""
        self.unfinished = unfinished
        source = iter((request,)) if len(request) <= PIECE else _pieces(request)
        self.parser = RequestParser(self.cfg, source, self.client)

    @property
    def awaits_judgement(self) -> bool:
        """Whether a thread has the head of its request, to say whether the body may come."""
        return isinstance(self.absent, BodyNotHere)


class Poller(ThreadWorker, WorkerHandle):  # type: ignore[misc]
    """A worker that waits for clients in its poller alone, and uses a thread only for what has come and takes long."""

    #: Set before the fork: what all workers share, whether a request such as `POST /x` waits for nobody, what is sent
    #: for an error that no application saw, and the limits.
    state = State()
    answers_at_once: Callable[[str], bool] = staticmethod(lambda _line: False)
    refusal: Callable[[BaseException, str], bytes] = staticmethod(lambda _error, _client: b"")
    limits = Limits()

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._pace = Pace()
        #: When each connection is over that is new or whose request is on its way, whose client takes nothing of its
        #: answer, or has not closed its end. The first to be over stands first.
        self._arriving: dict[Connection, float] = {}
        self._unsent: dict[Connection, float] = {}
        self._closing: dict[Connection, float] = {}
        #: Bytes of long requests, from their arrival to their answer.
        self._held = 0

    # Connections ------------------------------------------------------------------------------------------------------

    def accept(self, listener: Any) -> None:
        """Takes in all that are there, since a turn of the loop may be long; after a pause for another worker, one."""
        while self.nr_conns < self.worker_connections:
            paused = self._let_another_accept()
            if not self._take_in(listener) or paused:
                return

    def _let_another_accept(self) -> bool:
        """Pauses briefly while another worker has fewer connections, and nobody but newcomers waits for this one."""
        for pause in range(PAUSES):
            fewest = self.state.fewest_connections
            # Of many, some more do no harm, and an exact deal would take long.
            if not self.alive or self._open_connections() <= fewest + fewest // 8:
                return pause > 0
            if len(self.poller.select(0)) > len(self.sockets):
                return True
            time.sleep(PAUSE_SECONDS)
        return True

    def _open_connections(self) -> int:
        return int(self.nr_conns) - len(self._closing)

    def _take_in(self, listener: Any) -> bool:
        """Whether there was a connection. It waits for its first bytes in the poller."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return False
        self.nr_conns += 1
        self.state.set_connections(self._open_connections())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        conn = Connection(self, client, address, listener.getsockname())
        self._arriving[conn] = time.monotonic() + self.limits.read_timeout
        self._watch(conn, selectors.EVENT_READ, conn.on_data)
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the stop, takes in who has connected; then closes, so that later ones are refused."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            while self.nr_conns < self.worker_connections and self._take_in(listener):
                pass
            listener.close()

    def _watch(self, conn: Connection, event: int, callback: Callable[[Any], None]) -> None:
        if conn.callback is callback:
            return
        change = self.poller.modify if conn.callback else self.poller.register
        change(conn.sock, event, callback)
        conn.callback = callback

    def _unwatch(self, conn: Connection) -> None:
        if conn.callback:
            self.poller.unregister(conn.sock)
            conn.callback = None

    def _drop(self, conn: Connection) -> None:
        self._arriving.pop(conn, None)
        self._held -= conn.held
        conn.held = 0
        self._unwatch(conn)
        self.nr_conns -= 1
        conn.close()

    def _linger(self, conn: Connection) -> None:
        """Closes our side; the poller waits until its client closes too, and no thread does."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self._watch(conn, selectors.EVENT_READ, partial(self._discard, conn))
        except (OSError, ValueError):
            self._drop(conn)
            return
        self._closing[conn] = time.monotonic() + CLOSE_SECONDS

    def _discard(self, conn: Connection, client: Any) -> None:
        """Reads to the end: unread bytes at a close would make the kernel take back the answer with a reset."""
        if not receive(client):
            del self._closing[conn]
            self._drop(conn)

    # Requests ---------------------------------------------------------------------------------------------------------

    def gather(self, conn: Connection, client: Any) -> None:
        """Takes what has come, and goes on once the request is whole or can be refused."""
        data = receive(client)
        if conn.arrival is None:
            # The connection was new, or idle since its last answer; a request has a time of its own.
            if self._arriving.pop(conn, None) is None:
                self.keepalived_conns.remove(conn)
            if size_of(data) == len(data):
                conn.give(data)
                self._dispatch(conn, line_of(data))
                return
            conn.arrival = Arrival()
        conn.arrival.data += data
        if conn.arrival.is_long:
            self._held += len(conn.arrival.data) - conn.held
            conn.held = len(conn.arrival.data)
        self._advance(conn, conn.arrival, ended=not data)

    def _advance(self, conn: Connection, arrival: Arrival, ended: bool = False) -> None:
        """Does with what has come of a request what can be done."""
        stage = arrival.stage()
        if ended and not arrival.head:
            self._drop(conn)
        elif stage is Stage.WHOLE:
            self._hand_over(conn)
        elif stage is Stage.ENDLESS and not arrival.head:
            self._refuse(conn, HeadTooLong())
        elif arrival.exceeds(self.limits.max_body):
            conn.absent = BodyTooLong()
            self._hand_over(conn, unfinished=True)
        elif ended or stage is Stage.ENDLESS:
            self._hand_over(conn, unfinished=True)
        elif self._held > self.limits.max_held and conn.held:
            self._refuse(conn, TooManyLongRequests())
        else:
            self._await_more(conn, arrival)

    def _await_more(self, conn: Connection, arrival: Arrival) -> None:
        self._arriving.setdefault(conn, time.monotonic() + self.limits.read_timeout)
        if arrival.head and not arrival.admitted and (arrival.expects or arrival.is_long):
            self._judge_head(conn, arrival)
        else:
            self._watch(conn, selectors.EVENT_READ, conn.on_data)

    def _judge_head(self, conn: Connection, arrival: Arrival) -> None:
        """Hands the head to a thread before more of the body is taken in: most refusals need no more."""
        conn.absent = BodyNotHere()
        conn.give(bytes(arrival.data[: arrival.head]), unfinished=True)
        self._unwatch(conn)
        self.enqueue_req(conn)

    def _admit(self, conn: Connection) -> None:
        """The head is good: the body may come, if there is time left."""
        conn.absent, arrival = None, conn.arrival
        if conn not in self._arriving or arrival is None:
            self._hand_over(conn, unfinished=True)
            return
        arrival.admitted = True
        if arrival.expects:
            try:
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            except OSError:
                self._drop(conn)
                return
        self._advance(conn, arrival)

    def _hand_over(self, conn: Connection, unfinished: bool = False) -> None:
        """The request to who answers it. Of an unfinished one the parser finds where it ends."""
        self._arriving.pop(conn, None)
        arrival = conn.arrival or Arrival()
        request = arrival.take()
        conn.arrival = arrival.rest()
        conn.give(request, unfinished)
        self._dispatch(conn, line_of(request))

    def _dispatch(self, conn: Connection, line: str) -> None:
        if line in PROBES or (self.answers_at_once(line) and self._pace.allows(line)):
            started = time.thread_time()
            self._settle(conn, self.handle(conn))
            # Not the time on the clock: on a busy machine that is mostly others'.
            self._pace.record(line, time.thread_time() - started)
        else:
            self._unwatch(conn)
            self.enqueue_req(conn)

    # Answers ----------------------------------------------------------------------------------------------------------

    def handle(self, conn: Connection) -> Any:
        """Answers a request that has come, in a thread or the poller, and waits for nobody.

        Returns BodyNotHere where its head is good but its body has not come; else whether another request may follow.
        """
        client = conn.sock
        buffer = conn.sock = WriteBuffer(client)
        try:
            stays_open = bool(super().handle(conn))
        except BodyNotHere:
            return BodyNotHere
        finally:
            conn.sock = client
        try:
            conn.unsent = buffer.flush()
        except OSError:
            return False
        return stays_open

    def handle_request(self, req: Any, conn: Connection) -> Any:
        # The poller has said it, or the body is there.
        req._expected_100_continue = False  # pylint: disable=protected-access
        if conn.unfinished:
            # Where the next request would begin is not known.
            req.force_close()
        if conn.absent is not None:
            req.body = AbsentBody(conn.absent)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Back in the poller, once a thread has done its part."""
        result = fs.result() if not fs.cancelled() and fs.exception() is None else False
        if result is BodyNotHere:
            self._admit(conn)
        else:
            self._settle(conn, result)

    def _settle(self, conn: Connection, stays_open: bool) -> None:
        """What comes after an answer: the rest of it, the next request, or the end."""
        self._arriving.pop(conn, None)
        self._held -= conn.held
        conn.held, conn.absent = 0, None
        if conn.unsent:
            conn.stays_open = stays_open
            self._unsent[conn] = time.monotonic() + SEND_SECONDS
            self._watch(conn, selectors.EVENT_WRITE, partial(self._send_more, conn))
        elif not stays_open:
            self._linger(conn)
        elif conn.arrival is not None:
            # Others have a turn before the next of many that came at once.
            self._unwatch(conn)
            self.method_queue.defer(self._advance, conn, conn.arrival)
        else:
            # A stop may have begun since the answer said that the connection stays.
            seconds = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, CLOSE_SECONDS)
            conn.timeout = time.monotonic() + seconds
            self.keepalived_conns.append(conn)
            self._watch(conn, selectors.EVENT_READ, conn.on_data)

    def _send_more(self, conn: Connection, client: Any) -> None:
        """To a client that is slow to read what it asked for."""
        del self._unsent[conn]
        try:
            conn.unsent = conn.unsent[client.send(conn.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            conn.unsent, conn.stays_open = memoryview(b""), False
        self._settle(conn, conn.stays_open)

    def _refuse(self, conn: Connection, error: BaseException) -> None:
        conn.unsent = memoryview(self.refusal(error, _host(conn.client)))
        self._settle(conn, stays_open=False)

    # The base class's signature.
    # pylint: disable-next=unused-argument
    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """What Gunicorn refuses, and what fails outside of the application, gets the same kind of answer."""
        client.sendall(self.refusal(exc, _host(addr)))

    # Deadlines --------------------------------------------------------------------------------------------------------

    def murder_pending(self) -> None:
        """Called at every turn of the loop: ends what has waited for its client for too long."""
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        self.state.set_connections(self._open_connections())
        now = time.monotonic()
        for conn in (*_expired(self._closing, now), *_expired(self._unsent, now)):
            self._drop(conn)
        for conn in _expired(self._arriving, now):
            self._end_slow(conn)

    def _end_slow(self, conn: Connection) -> None:
        """Nobody waits any longer for the rest of its request; an answer still goes out."""
        if conn.awaits_judgement:
            # A thread has its head; once that is judged, there is no time left.
            return
        if conn.arrival is not None and conn.arrival.head:
            self._hand_over(conn, unfinished=True)
        else:
            self._drop(conn)

    def _make_room(self) -> None:
        """Who holds connections and says nothing, or little, keeps nobody out: the oldest go first."""
        few = self.worker_connections // 8
        if not self._arriving:
            for conn in islice(self.keepalived_conns, few):
                conn.timeout = 0.0
        silent = [conn for conn in self._arriving if conn.arrival is None]
        for conn in (silent or [*self._arriving])[:few]:
            if not conn.awaits_judgement:
                self._drop(conn)

    # The worker's handle ----------------------------------------------------------------------------------------------

    def waiting(self) -> int:
        return int(self.tpool._work_queue.qsize())  # pylint: disable=protected-access

    def lift_read_deadline(self, sock: Any) -> None:
        sock.let_block()


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


def _pieces(request: bytes) -> Iterator[bytes]:
    for place in range(0, len(request), PIECE):
        yield request[place : place + PIECE]


def _host(address: Any) -> str:
    return str(address[0]) if isinstance(address, tuple) else ""
