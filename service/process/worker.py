"""The poller: Gunicorn's gthread worker, which reads requests, sends answers, and makes those that are quick.

Handing a request to a thread and its connection back costs twice what a prediction does: two threads take turns at one
interpreter lock. What takes long still goes to a thread; no thread ever waits for a client, but a stream's own.
`WORKER=gthread` runs Gunicorn's own class instead; docs/serving.md says what that gives up.

This module is all that touches what Gunicorn does not document: request_reader.py and answer_sender.py ask it for what
they need. RELIED_ON lists each such name, and tests/service/process/test_gunicorn_names.py holds it against the
Gunicorn that is installed.
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

from service.process.answer_sender import CLOSE_SECONDS, SEND_SECONDS, AnswerSender
from service.process.arrival import AbsentBody, BodyNotHere, parser_pieces
from service.process.connection import ClientConnection
from service.process.logs import log
from service.process.pace import PROBES, Pace
from service.process.request_reader import Limits, RequestReader
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
    "ThreadWorker._keepalive_after": (
        3,
        "a body that nobody read is here, and gets no second answer",
    ),
    "ThreadWorker.finish_request": (3, "back in the poller, once a thread has done its part"),
    "ThreadWorker.handle_error": (5, "unsound HTTP gets a problem document"),
    "TConn.__init__": (5, "to give its parser no socket"),
    # Called.
    "TConn.close": (2, "the socket's end, at once; overridden to let the request go"),
    "ThreadWorker.enqueue_req": (2, "hands a connection to a thread"),
    "ThreadWorker.method_queue.defer": (None, "the next turn of the loop"),
    "RequestParser.__init__": (4, "reads a request from bytes that have arrived"),
    "RequestParser.finish_body": (3, "reads what an application left of a body"),
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

#: A stream's messages are written by a thread: the kernel ends its wait for who reads none of them.
_SEND_TIMEOUT = struct.pack("ll", int(SEND_SECONDS), 0)
#: A new connection is left for so long, and so often, to a worker that has fewer. Clients keep theirs, so the first
#: deal stays.
PAUSE_SECONDS, PAUSES = 0.0005, 10
#: What ends a worker is not that its process or machine has no room for one more connection. It is said once, until it
#: has been over for so long; and the listener, which stays ready, is left for a moment.
FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
FULL_SECONDS, FULL_PAUSE = 10.0, 0.01


class Connection(TConn, ClientConnection):  # type: ignore[misc]
    """A connection whose parser is given what has come, and so waits for nothing."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any):
        TConn.__init__(self, cfg, sock, client, server)
        ClientConnection.__init__(self)
        # Its parser never sees the socket: it is given each request, or what there is of one.
        self.initialized, self.parser = True, None
        #: Whether the parser was given less than a request, so that nothing may follow.
        self.unfinished = False
        #: What the poller calls once the socket is ready; None: it looks elsewhere.
        self.callback: Callable[[Any], None] | None = None
        #: The callback between two requests and while one comes: made once, for most connections know nothing else.
        self.on_data: Callable[[Any], None] | None = None

    def give(self, request: bytes, unfinished: bool = False) -> None:
        self.unfinished = unfinished
        self.parser = RequestParser(self.cfg, parser_pieces(request), self.client)

    def close(self, graceful: bool = False) -> None:
        """The request goes too: its callbacks name the connection, so only the collector would free both, rarely."""
        super().close(graceful)
        self.on_data = self.callback = self.arrival = self.parser = None

    def send_continue(self) -> None:
        self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def end_answers(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)
        self.sock.setblocking(False)


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
        self._full_until = 0.0
        self._reader = RequestReader(self, self.limits)
        self._sender = AnswerSender(self, self._reader)

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
        return int(self.nr_conns) - self._sender.closing

    def _take_in(self, listener: Any) -> bool:
        """Whether there was a connection. It waits for its first bytes in the poller."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in FULL:
                self._wait_for_descriptors(error)
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return False
        self.nr_conns += 1
        self.state.set_connections(self._open_connections())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        conn = Connection(self.cfg, client, address, listener.getsockname())
        conn.on_data = partial(self._reader.gather, conn)
        self._reader.begin(conn)
        return True

    def _wait_for_descriptors(self, error: OSError) -> None:
        """Whoever is connected is worth more than a newcomer, who waits."""
        now = time.monotonic()
        if now > self._full_until:
            log("warning", "server", message=f"no connection can be accepted: {error}")
        self._full_until = now + FULL_SECONDS
        self._make_room()
        time.sleep(FULL_PAUSE)

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the stop, takes in who has connected; then closes, so that later ones are refused."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            while self.nr_conns < self.worker_connections and self._take_in(listener):
                pass
            listener.close()

    def await_data(self, conn: Any) -> None:
        self.await_client(conn, conn.on_data)

    def await_client(
        self, conn: Any, callback: Callable[[Any], None], to_write: bool = False
    ) -> None:
        if conn.callback is callback:
            return
        change = self.poller.modify if conn.callback else self.poller.register
        change(conn.sock, selectors.EVENT_WRITE if to_write else selectors.EVENT_READ, callback)
        conn.callback = callback

    def unwatch(self, conn: Any) -> None:
        if conn.callback:
            self.poller.unregister(conn.sock)
            conn.callback = None

    def wake(self, conn: Any) -> None:
        self.keepalived_conns.remove(conn)

    def keep_idle(self, conn: Any) -> None:
        # A stop may have begun since the answer said that the connection stays.
        seconds = (self.cfg.keepalive if self.alive else 0) or CLOSE_SECONDS
        conn.timeout = time.monotonic() + seconds
        self.keepalived_conns.append(conn)
        self.await_data(conn)

    def drop(self, conn: Any) -> None:
        self._reader.forget(conn)
        self.unwatch(conn)
        self.nr_conns -= 1
        conn.close()

    # Requests and answers ---------------------------------------------------------------------------------------------

    def dispatch(self, conn: Any, line: str) -> None:
        if line in PROBES or (self.answers_at_once(line) and self._pace.allows(line)):
            started = time.thread_time()
            self._sender.settle(conn, self.handle(conn))
            # Not the time on the clock: on a busy machine that is mostly others'.
            self._pace.record(line, time.thread_time() - started)
        else:
            self.hand_to_thread(conn)

    def hand_to_thread(self, conn: Any) -> None:
        self.unwatch(conn)
        self.enqueue_req(conn)

    def defer(self, call: Callable[..., None], *args: Any) -> None:
        self.method_queue.defer(call, *args)

    def handle(self, conn: Any) -> Any:
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
            # The parser holds the whole request, for as long as the connection would be idle.
            conn.sock, conn.parser = client, None
        try:
            conn.unsent = buffer.flush()
        except OSError:
            return False
        return stays_open

    def handle_request(self, req: Any, conn: Any) -> Any:
        # The poller has said it, or the body is there.
        req._expected_100_continue = False  # pylint: disable=protected-access
        if conn.unfinished:
            # Where the next request would begin is not known.
            req.force_close()
        if conn.absent is not None:
            req.body = AbsentBody(conn.absent)
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """Whether the next request's start is known: what the application left of a body is here, and may be unsound.

        Gunicorn's own leaves a body above 64 KB, and answers a second time where one is unsound.
        """
        try:
            return bool(keepalive and conn.parser.finish_body())
        except (ParseException, NoMoreData):
            return False

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Back in the poller, once a thread has done its part."""
        result = fs.result() if not fs.cancelled() and fs.exception() is None else False
        if result is BodyNotHere:
            self._reader.admit(conn)
        else:
            self._sender.settle(conn, result)

    def refuse(self, conn: Any, error: BaseException) -> None:
        conn.unsent = memoryview(self.refusal(error, _host(conn.client)))
        self._sender.settle(conn, stays_open=False)

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
        self._sender.end_slow(now)
        self._reader.end_slow(now)

    def _make_room(self) -> None:
        """Who holds connections and says nothing, or little, or reads nothing keeps nobody out: the oldest go first."""
        few, now = self.worker_connections // 8, time.monotonic()
        if self._reader.make_room(few, now):
            return
        idle = [*islice(self.keepalived_conns, few)]
        for conn in idle:
            conn.timeout = 0.0
        if not idle:
            self._sender.make_room(few, now)

    # The worker's handle ----------------------------------------------------------------------------------------------

    def waiting(self) -> int:
        return int(self.tpool._work_queue.qsize())  # pylint: disable=protected-access

    def lift_read_deadline(self, sock: Any) -> None:
        sock.let_block()


def _host(address: Any) -> str:
    return str(address[0]) if isinstance(address, tuple) else ""
