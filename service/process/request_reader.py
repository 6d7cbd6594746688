"""Requests while they come: taken in until they are whole or can be refused, with a time and a bound for all."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from service.process.arrival import (
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
from service.process.connection import ClientConnection, Loop, take_expired

#: Seconds for which a connection is kept however many there are: else the one that was just accepted would go.
MOMENT = 1.0


class Limits(NamedTuple):
    """Seconds for a request to arrive in, bytes of a body, and bytes of all long requests on their way together."""

    read_timeout: float = 15.0
    max_body: int = 1 << 23
    max_held: int = 8 << 23


class RequestReader:
    """Takes in the requests of one worker's connections."""

    def __init__(self, loop: Loop, limits: Limits):
        self._loop, self._limits = loop, limits
        #: When each connection is over that is new, or whose request is on its way. The first to be over stands first.
        self._arriving: dict[ClientConnection, float] = {}
        #: Bytes of long requests, from their arrival to their answer.
        self._held = 0

    def begin(self, conn: ClientConnection) -> None:
        """A new connection has as long as a request to say something."""
        self._arriving[conn] = time.monotonic() + self._limits.read_timeout
        self._loop.await_data(conn)

    def gather(self, conn: ClientConnection, client: Any) -> None:
        """Takes what has come, and goes on once the request is whole or can be refused."""
        data = receive(client)
        if conn.arrival is None:
            # The connection was new, or idle since its last answer; a request has a time of its own.
            if self._arriving.pop(conn, None) is None:
                self._loop.wake(conn)
            if size_of(data) == len(data):
                conn.give(data)
                self._loop.dispatch(conn, line_of(data))
                return
            conn.arrival = Arrival()
        conn.arrival.data += data
        if conn.arrival.is_long:
            self._held += len(conn.arrival.data) - conn.held
            conn.held = len(conn.arrival.data)
        self.advance(conn, conn.arrival, ended=not data)

    def advance(self, conn: ClientConnection, arrival: Arrival, ended: bool = False) -> None:
        """Does with what has come of a request what can be done."""
        stage = arrival.stage()
        if ended and not arrival.head:
            self._loop.drop(conn)
        elif stage is Stage.WHOLE:
            self._hand_over(conn)
        elif stage is Stage.ENDLESS and not arrival.head:
            self._loop.refuse(conn, HeadTooLong())
        elif arrival.exceeds(self._limits.max_body):
            conn.absent = BodyTooLong()
            self._hand_over(conn, unfinished=True)
        elif ended or stage is Stage.ENDLESS:
            self._hand_over(conn, unfinished=True)
        elif self._held > self._limits.max_held and conn.held:
            self._loop.refuse(conn, TooManyLongRequests())
        else:
            self._await_more(conn, arrival)

    def _await_more(self, conn: ClientConnection, arrival: Arrival) -> None:
        self._arriving.setdefault(conn, time.monotonic() + self._limits.read_timeout)
        if arrival.head and not arrival.admitted and (arrival.expects or arrival.is_long):
            self._judge_head(conn, arrival)
        else:
            self._loop.await_data(conn)

    def _judge_head(self, conn: ClientConnection, arrival: Arrival) -> None:
        """Hands the head to a thread before more of the body is taken in: most refusals need no more."""
        # What the threads take is not the client's time.
        self._arriving.pop(conn, None)
        conn.absent = BodyNotHere()
        conn.give(bytes(arrival.data[: arrival.head]), unfinished=True)
        self._loop.hand_to_thread(conn)

    def admit(self, conn: ClientConnection) -> None:
        """The head is good: the body may come, and has a time of its own."""
        conn.absent, arrival = None, conn.arrival
        if arrival is None:
            self._hand_over(conn, unfinished=True)
            return
        arrival.admitted = True
        if arrival.expects:
            try:
                conn.send_continue()
            except OSError:
                self._loop.drop(conn)
                return
        self.advance(conn, arrival)

    def _hand_over(self, conn: ClientConnection, unfinished: bool = False) -> None:
        """The request to who answers it. Of an unfinished one the parser finds where it ends."""
        self._arriving.pop(conn, None)
        arrival = conn.arrival or Arrival()
        request = arrival.take()
        conn.arrival = arrival.rest()
        conn.give(request, unfinished)
        self._loop.dispatch(conn, line_of(request))

    def forget(self, conn: ClientConnection) -> None:
        """Its request is answered, or the connection has ended."""
        self._arriving.pop(conn, None)
        self._held -= conn.held
        conn.held, conn.absent = 0, None

    def end_slow(self, now: float) -> None:
        """Nobody waits any longer for the rest of what comes too slowly; an answer still goes out."""
        for conn in take_expired(self._arriving, now):
            if conn.arrival is not None and conn.arrival.head:
                self._hand_over(conn, unfinished=True)
            else:
                self._loop.drop(conn)

    def make_room(self, most: int, now: float) -> bool:
        """Drops the oldest that say nothing, or little, but no newcomer; whether there were any."""
        newest = now + self._limits.read_timeout - min(MOMENT, self._limits.read_timeout / 2)
        old = [conn for conn, deadline in self._arriving.items() if deadline < newest]
        silent = [conn for conn in old if conn.arrival is None]
        for conn in (silent or old)[:most]:
            self._loop.drop(conn)
        return bool(old)
