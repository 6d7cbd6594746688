"""A connection as it is read and answered, and what the poller does with one for those who do so.

How it is done with Gunicorn's means is known in worker.py alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from service.process.arrival import Arrival


class ClientConnection(ABC):
    """What is remembered of a connection from the first bytes of a request to the end of its answer."""

    def __init__(self) -> None:
        #: The request that comes; None between two of them.
        self.arrival: Arrival | None = None
        #: Why there is no body to be read: it has not come, or is too long.
        self.absent: BaseException | None = None
        #: Bytes of the worker's allowance for long requests.
        self.held = 0
        #: What its client has not taken yet of an answer, and whether another may follow.
        self.unsent, self.stays_open = memoryview(b""), False

    @abstractmethod
    def give(self, request: bytes, unfinished: bool = False) -> None:
        """Sets what is answered next; of an unfinished request the parser finds where it ends."""

    @abstractmethod
    def send_continue(self) -> None:
        """Tells the client that the body may come; OSError where it has gone."""

    @abstractmethod
    def end_answers(self) -> None:
        """Closes our side; OSError where the client has gone."""


class Loop(Protocol):
    """The poller, to those who read requests and send answers."""

    def await_data(self, conn: ClientConnection) -> None:
        """Has what comes taken in as a request."""

    def await_client(
        self, conn: ClientConnection, callback: Callable[[Any], None], to_write: bool = False
    ) -> None:
        """Has this called with the socket, once there is something to read, or room to write."""

    def unwatch(self, conn: ClientConnection) -> None:
        """Awaits nothing of it."""

    def wake(self, conn: ClientConnection) -> None:
        """Its next request has begun to come."""

    def keep_idle(self, conn: ClientConnection) -> None:
        """Leaves it open for the next request."""

    def dispatch(self, conn: ClientConnection, line: str) -> None:
        """Has the request answered that it was given; `line` is as `POST /x`, or nothing."""

    def hand_to_thread(self, conn: ClientConnection) -> None:
        """The same, but never in the poller."""

    def refuse(self, conn: ClientConnection, error: BaseException) -> None:
        """Answers with this error, and closes."""

    def defer(self, call: Callable[..., None], *args: Any) -> None:
        """Calls it in the loop's next turn."""

    def drop(self, conn: ClientConnection) -> None:
        """Closes it at once."""


def take_expired(deadlines: dict[ClientConnection, float], now: float) -> list[ClientConnection]:
    """Those whose time is over, which are taken out. All had the same time, so the oldest stand first."""
    expired = []
    for conn, deadline in deadlines.items():
        if deadline > now:
            break
        expired.append(conn)
    for conn in expired:
        del deadlines[conn]
    return expired
