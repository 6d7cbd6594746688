"""Callers of one model who send the truth of each answer some seconds later, and keep which arm gave it."""

from __future__ import annotations

import json
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tests.support.swarm_stack.callers import Callers, Line, Reply, Request, Seen, prediction
from tests.support.swarm_stack.stack import Stack

#: Seconds until the truth of an answer is sent, if nothing else is said, and until what the journal had not got is
#: sent again.
DELAY = 3.0
#: Of a key that may predict and tell the truth.
KEY = "caller"

Rows = list[dict[str, Any]]


class World(NamedTuple):
    """Draws rows, and says what is true of them."""

    draw: Callable[[np.random.Generator], Rows]
    truths_of: Callable[[np.random.Generator, Rows], list[Any]]


class ArmAnswer(NamedTuple):
    """`at` is by the clock of `time.monotonic`."""

    at: float
    arm: str
    status: str
    seconds: float


@dataclass
class SeenByArm(Seen):
    answers: list[ArmAnswer] = field(default_factory=list)
    #: Truths that were taken, and requests with truth that were not answered with 200.
    truths: int = 0
    truth_failures: int = 0

    def of(self, arm: str) -> list[ArmAnswer]:
        return [answer for answer in self.answers if answer.arm == arm]


class TruthfulCallers(Callers):
    """Each thread asks `rate` times a second. The world may be changed while they ask."""

    def __init__(
        self,
        stack: Stack,
        model: str,
        world: World,
        rate: float,
        threads: int = 2,
        delay: float = DELAY,
    ):
        trust = ssl.create_default_context(cafile=str(stack.folder / "secrets/edge.crt"))
        trust.check_hostname = False
        port = int(stack.environ["EDGE_PORT"])
        nothing: Request = ("GET", "/", b"", {})
        super().__init__(stack.addresses(), port, trust, nothing, threads)
        self.seen: SeenByArm = SeenByArm()
        self.world, self._model, self._pause, self._delay = world, model, 1 / rate, delay
        self._key = (stack.folder / f"secrets/{KEY}.key").read_text(encoding="ascii").strip()

    def _call(self, number: int, line: Line) -> None:
        random = np.random.default_rng([5, number])
        due = time.monotonic()
        waiting: deque[tuple[float, list[dict[str, Any]]]] = deque()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._pause, time.monotonic() - 1)
            rows = self.world.draw(random)
            began = time.monotonic()
            reply = line.ask(prediction(self._model, rows, self._key))
            self._note(began, reply)
            if reply.status == "200":
                truths = self.world.truths_of(random, rows)
                waiting.append((began + self._delay, entries_of(reply, truths)))
            self._send_truth(line, waiting)
        line.close()

    def _note(self, began: float, reply: Reply) -> None:
        seconds = time.monotonic() - began
        arm = reply.headers.get("X-Arm", "")
        with self._lock:
            self.seen.add(reply.status, reply.release, seconds)
            self.seen.answers.append(ArmAnswer(began, arm, reply.status, seconds))

    def _send_truth(self, line: Line, waiting: deque[tuple[float, list[dict[str, Any]]]]) -> None:
        """What is due, a second's worth at once; what is unknown yet waits on."""
        if not waiting or waiting[0][0] > time.monotonic() - 1:
            return
        due: list[dict[str, Any]] = []
        while waiting and waiting[0][0] <= time.monotonic() and len(due) < 1000:
            due += waiting.popleft()[1]
        reply = line.ask(truth(self._model, due, self._key))
        unknown = due
        if reply.status == "200":
            keys = {
                (entry["request_id"], entry["row"]) for entry in json.loads(reply.body)["unknown"]
            }
            unknown = [entry for entry in due if (entry["request_id"], entry["row"]) in keys]
        with self._lock:
            self.seen.truths += len(due) - len(unknown)
            # 404: none of them is known yet.
            self.seen.truth_failures += reply.status not in ("200", "404")
        if unknown:
            waiting.appendleft((time.monotonic() + DELAY, unknown))


def entries_of(reply: Reply, truths: list[Any]) -> list[dict[str, Any]]:
    request = json.loads(reply.body)["request_id"]
    return [{"request_id": request, "row": row, "value": value} for row, value in enumerate(truths)]


def truth(model: str, entries: list[dict[str, Any]], key: str) -> Request:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    return "POST", f"/v1/models/{model}/truth", json.dumps({"entries": entries}).encode(), headers
