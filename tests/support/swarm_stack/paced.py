"""Callers that ask at a rate which changes over time, whether answers are slow or not; each answer with its time."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.support.swarm_stack.callers import Callers, Line, NextRequest, Request, Seen

#: Requests a second, by the seconds since the beginning.
Rate = Callable[[float], float]


class Answer(NamedTuple):
    """`at` is the second in which it was due; `seconds` count from then, so that who has to wait for a line is seen."""

    at: float
    seconds: float
    status: str


@dataclass
class Timeline(Seen):
    answers: list[Answer] = field(default_factory=list)


class PacedCallers(Callers):
    """So many requests at once as there are threads; what is due while all of them wait is asked late."""

    def __init__(
        self,
        edges: list[str],
        port: int,
        trust: ssl.SSLContext | None,
        request: Request | NextRequest,
        threads: int,
        rate: Rate,
    ):
        super().__init__(edges, port, trust, request, threads)
        self.seen: Timeline = Timeline()
        self._rate, self._due_lock = rate, threading.Lock()
        self.began = time.monotonic()
        self._due = self.began

    def _call(self, number: int, line: Line) -> None:
        while True:
            with self._due_lock:
                due = self._due
                self._due += 1 / self._rate(due - self.began)
            if self._over.wait(max(0.0, due - time.monotonic())):
                break
            reply = line.ask(self._next(number))
            now = time.monotonic()
            with self._lock:
                self.seen.add(reply.status, reply.release, now - due)
                self.seen.answers.append(Answer(due - self.began, now - due, reply.status))
        line.close()
