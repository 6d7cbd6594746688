"""Callers who ask at a steady rate and later say what was true of each row; which arm answered, and how."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.support.swarm_stack.callers import Callers, Request, Seen, _Line, prediction

#: Seconds from an answer to its truth: by then the journal has it, whichever node answered.
LATER = 4.0
#: Requests whose truth is sent together, and how often one that is not known yet is tried again.
TOGETHER, TRIES = 10, 20
#: An answer of more than this is slow: as the monitor has it.
SLOW = 0.25


class Question(NamedTuple):
    """Rows to be asked, and what is true of each."""

    rows: list[dict[str, Any]]
    truths: list[Any]


class Answered(NamedTuple):
    """One request: when it was asked, by the clock of `time.time`, and how long it took."""

    at: float
    seconds: float
    status: str
    arm: str


@dataclass
class Answers(Seen):
    answered: list[Answered] = field(default_factory=list)
    #: Rows whose truth was taken, and answers to truth that were not 200.
    truths: int = 0
    refused_truths: list[str] = field(default_factory=list)

    def of(self, arm: str, since: float = 0.0) -> list[Answered]:
        return [each for each in self.answered if each.arm == arm and each.at >= since]


class _Told(NamedTuple):
    """What is to be sent, from when on, and how often it was tried."""

    due: float
    entries: list[dict[str, Any]]
    tries: int = 0


class TruthfulCallers(Callers):
    """`rate` requests a second of one model by so many threads, and one more that sends the truth."""

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def __init__(
        self,
        edges: list[str],
        port: int,
        trust: Any,
        key: str,
        model: str,
        question: Callable[[int], Question],
        rate: float,
        threads: int = 6,
    ):
        super().__init__(edges, port, trust, ("GET", "/", b"", {}), threads)
        self.seen: Answers = Answers()
        self._model, self._key, self._question = model, key, question
        self._pace, self._due, self._due_lock = 1 / rate, time.monotonic(), threading.Lock()
        self._told: deque[_Told] = deque()
        teller = threading.Thread(
            target=self._tell, args=(_Line(edges, threads, port, trust),), daemon=True
        )
        self._threads.append(teller)

    def _call(self, number: int, line: _Line) -> None:
        while self._wait_until_due():
            question, identity = self._question(number), uuid.uuid4().hex
            method, path, body, headers = prediction(self._model, question.rows, self._key)
            at, began = time.time(), time.monotonic()
            reply = line.exchange((method, path, body, {**headers, "X-Request-Id": identity}))
            seconds = time.monotonic() - began
            with self._lock:
                self.seen.add(reply.status, reply.headers.get("X-Release", ""), seconds)
                self.seen.answered.append(
                    Answered(at, seconds, reply.status, reply.headers.get("X-Arm", ""))
                )
            if reply.status == "200":
                self._told.append(_Told(time.monotonic() + LATER, _entries(identity, question)))
        line.close()

    def _wait_until_due(self) -> bool:
        """False once it is over. What was late is not made up for."""
        with self._due_lock:
            self._due = due = max(self._due + self._pace, time.monotonic())
        return not self._over.wait(max(0.0, due - time.monotonic()))

    def _tell(self, line: _Line) -> None:
        while not self._over.wait(0.1):
            while self._told and self._told[0].due <= time.monotonic():
                batch = [self._told.popleft() for _ in range(min(TOGETHER, len(self._told)))]
                self._send(batch, line)
        line.close()

    def _send(self, batch: list[_Told], line: _Line) -> None:
        entries = [entry for told in batch for entry in told.entries]
        reply = line.exchange(_truth(self._model, entries, self._key))
        unknown = (
            {each["request_id"] for each in json.loads(reply.body)["unknown"]}
            if reply.status == "200"
            else {each["request_id"] for each in entries}
        )
        late = [each for each in batch if each.entries[0]["request_id"] in unknown]
        again = [each for each in late if each.tries < TRIES]
        self._told.extend(
            _Told(time.monotonic() + 1, each.entries, each.tries + 1) for each in again
        )
        with self._lock:
            self.seen.truths += len(entries) - sum(len(each.entries) for each in late)
            if len(again) < len(late):
                self.seen.refused_truths.append(f"{reply.status}: {reply.body[:300]!r}")


def _entries(identity: str, question: Question) -> list[dict[str, Any]]:
    return [
        {"request_id": identity, "row": row, "value": value}
        for row, value in enumerate(question.truths)
    ]


def _truth(model: str, entries: list[dict[str, Any]], key: str) -> Request:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    body = json.dumps({"entries": entries}).encode()
    return "POST", f"/v1/models/{model}/truth", body, headers
