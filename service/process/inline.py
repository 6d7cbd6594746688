"""A Gunicorn worker whose poller gathers requests, sends answers, and makes those that are small and quick.

Handing a request to a thread and its connection back costs twice what a prediction does: two threads take turns at one
interpreter lock. What takes long still goes to a thread; no thread ever waits for a client, but a stream's own.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from service.process.arrival import MOST, MOST_HEAD, Arrival, Stage, line_of, size_of
from service.process.connection import Absent, Connection, Gathered, NotYet
from service.process.logs import log
from service.process.pace import Pace
from service.process.patience import PatientWorker
from service.web.body import too_large
from service.web.problems import BadRequest, Problem, Unavailable

#: How long a client may take none of its answer.
SEND_SECONDS = 30.0
#: Answered by the poller whatever it takes: who asks so decides whether this replica lives.
PROBES = frozenset(
    f"{method} {path}"
    for method in ("GET", "HEAD")
    for path in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/ping")
)


class InlineWorker(PatientWorker):
    """A worker that uses a thread only for what has all come and takes long."""

    #: Set before the fork: whether a request such as `POST /x` waits for nobody, how long one may
    #: take to arrive, how long its body may be, and how much all that arrive may hold together.
    quick: Callable[[str], bool] = staticmethod(lambda _line: False)
    read_timeout = 15.0
    max_body = 1 << 23
    most_held = 8 << 23

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._pace = Pace()

    def on_pending_socket_readable(self, conn: Connection, client: Any) -> None:
        self.pending_conns.remove(conn)
        self._gather(conn, client)

    def on_client_socket_readable(self, conn: Connection, client: Any) -> None:
        self.keepalived_conns.remove(conn)
        self._gather(conn, client)

    def _gather(self, conn: Connection, client: Any) -> None:
        """Takes what has come, and goes on once the request is whole or can be refused."""
        try:
            data = client.recv(MOST)
        except OSError:
            data = b""
        if len(data) == MOST:
            data += _what_else(client)
        if conn.arrival is None:
            if size_of(data) == len(data):
                conn.give(data)
                self._dispatch(conn, line_of(data) if len(data) <= MOST else "")
                return
            conn.arrival = Arrival()
        conn.arrival.data += data
        if _is_long(conn.arrival):
            self.held += len(conn.arrival.data) - conn.held
            conn.held = len(conn.arrival.data)
        self._advance(conn, ended=not data)

    def _advance(self, conn: Connection, ended: bool = False) -> None:
        """What is to be done with what has come of a request."""
        arrival = conn.arrival
        assert arrival is not None  # nosec B101 # for the type checker; both callers made it so
        stage = arrival.stage()
        if ended and not arrival.head:
            self.drop(conn)
        elif stage is Stage.WHOLE:
            self._hand_over(conn)
        elif stage is Stage.ENDLESS and not arrival.head:
            self._refuse(conn, BadRequest(f"a head may have up to {MOST_HEAD} bytes"))
        elif self._too_long(arrival):
            conn.absent = too_large(self.max_body)
            self._hand_over(conn, unfinished=True)
        elif ended or stage is Stage.ENDLESS:
            self._hand_over(conn, unfinished=True)
        elif self.held > self.most_held and conn.held:
            busy = "too many long requests are on their way; try again"
            self._refuse(conn, Unavailable(busy))
        else:
            self.deadlines.setdefault(conn, time.monotonic() + self.read_timeout)
            if arrival.head and not conn.admitted and (arrival.expects or _is_long(arrival)):
                self._ask(conn, arrival)
            else:
                self.watch(conn, selectors.EVENT_READ, partial(self._gather, conn))

    def end_slow(self, conn: Connection) -> None:
        """Nobody waits any longer for the rest of its request; an answer still goes out."""
        if conn.asking:
            # A thread has its head; once that is judged, there is no time left.
            return
        if conn.arrival is not None and conn.arrival.head:
            self._hand_over(conn, unfinished=True)
        else:
            super().end_slow(conn)

    def _too_long(self, arrival: Arrival) -> bool:
        """Whether its chunks hold more than a body may, or are of no size at all."""
        return arrival.content > self.max_body or len(arrival.data) > 2 * self.max_body + MOST

    def _ask(self, conn: Connection, arrival: Arrival) -> None:
        """Has the head judged, before more of the body is taken in: most refusals need no more."""
        conn.absent = NotYet()
        conn.give(bytes(arrival.data[: arrival.head]), unfinished=True)
        self.unwatch(conn)
        self.enqueue_req(conn)

    def _admit(self, conn: Connection) -> None:
        """Its head is good: the body may come, if there is time left."""
        conn.absent, conn.admitted = None, True
        arrival = conn.arrival
        if conn not in self.deadlines or arrival is None:
            self._hand_over(conn, unfinished=True)
            return
        if arrival.expects:
            try:
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            except OSError:
                self.drop(conn)
                return
        self._advance(conn)

    def _hand_over(self, conn: Connection, unfinished: bool = False) -> None:
        """The request to who answers it. Of an unfinished one the parser finds where it ends."""
        self.deadlines.pop(conn, None)
        arrival = conn.arrival or Arrival()
        request = arrival.take()
        conn.arrival = arrival.rest()
        conn.give(request, unfinished)
        self._dispatch(conn, line_of(request) if len(request) <= MOST else "")

    def _dispatch(self, conn: Connection, line: str) -> None:
        if line in PROBES or (self.quick(line) and self._pace.allows(line)):
            started = time.thread_time()
            self._settle(conn, self.handle(conn))
            # Not the time on the clock: on a busy machine that is mostly others'.
            self._pace.took(line, time.thread_time() - started)
        else:
            self.unwatch(conn)
            self.enqueue_req(conn)

    def handle(self, conn: Connection) -> Any:
        """Answers a request that has come, in a thread or the poller, and waits for nobody.

        NotYet where its head is good but its body has not come; else whether another request may follow.
        """
        client = conn.sock
        gathered = conn.sock = Gathered(client)
        try:
            kept = bool(super().handle(conn))
        except NotYet:
            return NotYet
        finally:
            conn.sock = client
        try:
            conn.unsent = gathered.send_what_goes()
        except OSError:
            return False
        return kept

    def handle_request(self, req: Any, conn: Connection) -> Any:
        # The poller has said it, or the body is there.
        req._expected_100_continue = False  # pylint: disable=protected-access
        if conn.unfinished:
            # Where the next request would begin is not known.
            req.force_close()
        if conn.absent is not None:
            req.body = Absent(conn.absent)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Connection, done: Any) -> None:
        """Back in the poller, once a thread has done its part."""
        kept = done.result() if not done.cancelled() and done.exception() is None else False
        if kept is NotYet:
            self._admit(conn)
        else:
            self._settle(conn, kept)

    def _settle(self, conn: Connection, kept: bool) -> None:
        """What comes after an answer: the rest of it, the next request, or the end."""
        self.deadlines.pop(conn, None)
        self.held -= conn.held
        conn.held, conn.absent, conn.admitted = 0, None, False
        if conn.unsent:
            conn.kept = kept
            self.unsent[conn] = time.monotonic() + SEND_SECONDS
            self.watch(conn, selectors.EVENT_WRITE, partial(self._send_more, conn))
        elif not kept:
            self.drop(conn, graceful=True)
        elif conn.arrival is not None:
            # Others have a turn before the next of many that came at once.
            self.unwatch(conn)
            self.method_queue.defer(self._advance, conn)
        else:
            self._keep(conn)

    def _keep(self, conn: Connection) -> None:
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(conn)
        self.watch(conn, selectors.EVENT_READ, conn.on_next)

    def _send_more(self, conn: Connection, client: Any) -> None:
        """To a client that is slow to read what it asked for."""
        del self.unsent[conn]
        try:
            conn.unsent = conn.unsent[client.send(conn.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            conn.unsent, conn.kept = memoryview(b""), False
        self._settle(conn, conn.kept)

    def _refuse(self, conn: Connection, problem: Problem) -> None:
        request_id = os.urandom(16).hex()
        log("warning", "refused", request_id=request_id, reason=problem.detail)
        conn.unsent = memoryview(problem.reply(request_id).as_http())
        self._settle(conn, kept=False)

    def lift_read_deadline(self, sock: Any) -> None:
        """A stream waits for its client in the thread that it has for itself."""
        sock.give_up()


def _what_else(client: Any) -> bytes:
    """More of a long request that is there already: most are whole then, and need not be judged by their heads."""
    parts: list[bytes] = []
    try:
        while len(parts) < 7 and (part := client.recv(MOST)):
            parts.append(part)
    except OSError:
        pass
    return b"".join(parts)


def _is_long(arrival: Arrival) -> bool:
    return max(arrival.size, len(arrival.data)) > MOST
