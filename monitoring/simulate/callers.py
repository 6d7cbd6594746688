"""One caller a model: asks at a steady rate, and sends the truth of what was answered when its time has come."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import requests

from monitoring.simulate.rows import Rows
from monitoring.simulate.scenario import Phase
from monitoring.simulate.truth import Truth

SECONDS = 5.0
#: A service that does not answer is asked again after so long.
PAUSE = 2.0


class Pace(NamedTuple):
    """Requests a second, rows of each, and seconds until their truth is sent."""

    rate: float
    rows: int
    delay: float


class Counts:
    """What a caller did so far."""

    def __init__(self) -> None:
        self.asked = self.answered = self.truths = 0
        self.fault = ""


class Caller:
    """Runs in a thread of its own until `stop`; `phase` says what is on now, None that it is over."""

    def __init__(self, url: str, key: str, model: str, rows: Rows, truth: Truth, pace: Pace):
        self._predict, self._tell = (
            f"{url}/v1/models/{model}/{verb}" for verb in ("predict", "truth")
        )
        self._rows, self._truth, self._pace = rows, truth, pace
        self._session = requests.Session()
        # The environment's proxies are for elsewhere.
        self._session.trust_env = False
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"
        #: By when it is to be sent.
        self._waiting: list[tuple[float, int, list[dict[str, Any]]]] = []
        #: Of what was put there, so that no two have the same place.
        self._count = 0
        self.model, self.counts = model, Counts()

    def run(self, phase: Callable[[], Phase | None], stop: threading.Event) -> None:
        due = time.monotonic()
        while not stop.is_set() and (now := phase()) is not None:
            due = max(due + 1.0 / self._pace.rate, time.monotonic() - 1.0)
            try:
                self.counts.fault = ""
                self._ask(now)
                self._send_due()
            except requests.RequestException as error:
                self.counts.fault = str(error)
                stop.wait(PAUSE)
            stop.wait(max(0.0, due - time.monotonic()))

    def _ask(self, phase: Phase) -> None:
        rows = self._rows.draw(self._pace.rows, phase.shift)
        self.counts.asked += 1
        answer = self._session.post(self._predict, json={"rows": rows}, timeout=SECONDS)
        if answer.status_code != 200:
            self.counts.fault = f"{answer.status_code}: {answer.text[:200]}"
            return
        self.counts.answered += 1
        if self._truth.is_there:
            document = answer.json()
            values = self._truth.of(document, phase.changed)
            entries = [
                {"request_id": document["request_id"], "row": row, "value": value}
                for row, value in enumerate(values)
            ]
            when = time.monotonic() + self._pace.delay * phase.lateness
            self._count += 1
            heapq.heappush(self._waiting, (when, self._count, entries))

    def _send_due(self) -> None:
        """In one request what is due; what the journal has not got yet is sent again."""
        due: list[dict[str, Any]] = []
        while self._waiting and self._waiting[0][0] <= time.monotonic() and len(due) < 1000:
            due += heapq.heappop(self._waiting)[2]
        if not due:
            return
        try:
            answer = self._session.post(self._tell, json={"entries": due}, timeout=SECONDS)
        except requests.RequestException:
            # Whether it was taken or not: told twice, it is the same truth.
            self._wait_again(due)
            raise
        if answer.status_code != 200:
            self.counts.fault = f"truth: {answer.status_code}: {answer.text[:200]}"
            return
        unknown = {(entry["request_id"], entry["row"]) for entry in answer.json()["unknown"]}
        again = [entry for entry in due if (entry["request_id"], entry["row"]) in unknown]
        self.counts.truths += len(due) - len(again)
        if again:
            self._wait_again(again)

    def _wait_again(self, entries: list[dict[str, Any]]) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (time.monotonic() + PAUSE, self._count, entries))
