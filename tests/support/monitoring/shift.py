"""Three models of the same rows, trained for real, and callers whose inputs shift on demand.

Light decides the grade, and around one value of it nobody can tell. The callers of `seedlings` move there, so that its
accuracy falls below the gate; those of `cuttings` move away from there, which is drift and no harm; those of
`saplings` go on as in training.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.support.machine import wait_until
from tests.support.swarm_stack.callers import Request, prediction
from tests.support.training import Workspace, write_spec

FALLS, DRIFTS, STAYS = "seedlings", "cuttings", "saplings"
LIGHT, DEVIATION = 50.0, 12.0
#: What is added to the light of its callers, once they shift. More than a deviation would be other rows than the
#: reference's, of which no estimate can be made.
SHIFTS = {FALLS: -10.0, DRIFTS: 9.6, STAYS: 0.0}
#: Where half of the plants are of either grade, and how fast that changes.
UNSURE, WIDTH = 34.0, 4.0
#: Accuracy is 0.92 as in training, 0.85 of the shifted rows of the first.
GATE = 0.885
ROWS = 8_000
COLUMNS = {
    "light": {"type": "number", "minimum": 0, "maximum": 120},
    "temperature": {"type": "number", "minimum": -20, "maximum": 60},
    "humidity": {"type": "number", "minimum": 0, "maximum": 100},
    "trays": {"type": "integer", "minimum": 1, "maximum": 20},
}


def train(folder: Path, models: Iterable[str] = tuple(SHIFTS), **environ: str) -> Workspace:
    """A workspace whose exported set has these models, each trained, gated, registered and promoted."""
    random = np.random.default_rng(7)
    drawn = draw(random, ROWS)
    sure = 1 / (1 + np.exp((UNSURE - drawn["light"]) / WIDTH))
    pd.DataFrame(drawn).assign(grade=np.where(random.random(ROWS) < sure, "A", "B")).to_csv(
        folder / "rows.csv", index=False
    )
    specs = [
        write_spec(
            folder,
            name,
            folder / "rows.csv",
            data={"target": "grade"},
            columns=COLUMNS,
            gates={"metrics": {"accuracy": {"min": GATE}}},
        )
        for name in models
    ]
    workspace = Workspace(folder, **environ)
    done = workspace.training("train", *specs, "--promote", "callers will shift")
    assert done.code == 0, done.out + done.err
    return workspace


def draw(random: np.random.Generator, rows: int, shift: float = 0.0) -> dict[str, NDArray[Any]]:
    return {
        "light": np.clip(random.normal(LIGHT + shift, DEVIATION, rows), 0, 120).round(3),
        "temperature": random.normal(21, 3, rows).round(3),
        "humidity": np.clip(random.normal(60, 8, rows), 0, 100).round(3),
        "trays": random.integers(1, 21, rows),
    }


class ShiftingCallers:
    """What callers of the models ask next, one thread a model: `rows` each time, `rate` times a second."""

    def __init__(self, key: str, models: Iterable[str], rate: float, rows: int):
        self._key, self._models, self._pace, self._rows = key, tuple(models), 1 / rate, rows
        self._random = [np.random.default_rng([11, number]) for number in range(self.threads)]
        self._due = [time.monotonic()] * self.threads
        self._shifted = threading.Event()

    @property
    def threads(self) -> int:
        return len(self._models)

    def shift(self) -> None:
        self._shifted.set()

    def go_back(self) -> None:
        self._shifted.clear()

    def next_request(self, thread: int) -> Request:
        """Once it is time; what was late is not made up for."""
        self._due[thread] = max(self._due[thread] + self._pace, time.monotonic())
        time.sleep(max(0.0, self._due[thread] - time.monotonic()))
        model = self._models[thread]
        shift = SHIFTS[model] if self._shifted.is_set() else 0.0
        drawn = draw(self._random[thread], self._rows, shift)
        cells = zip(*(values.tolist() for values in drawn.values()), strict=True)
        return prediction(model, [dict(zip(drawn, row, strict=True)) for row in cells], self._key)


class ModelPage:
    """What the monitor's page of a model says of its newest window."""

    def __init__(self, html: str):
        self._html = html

    @property
    def raised_columns(self) -> list[str]:
        """Of the table of drift by column, the ones that moved most first."""
        table = self._html.partition("Drift by column</caption>")[2].partition("</table></div>")[0]
        rows = re.findall(
            r'<th scope="row" class="name">([^<]*)</th>\s*<td data-label="Verdict">(.*?)</td>',
            table,
            re.DOTALL,
        )
        return [name for name, verdict in rows if "▲ raised" in _words(verdict)]

    @property
    def estimate(self) -> str:
        """Of the accuracy: its value, interval and verdict."""
        cell = re.search(
            r'<th scope="row">accuracy</th>.*?<td data-label="Estimate">(.*?)</td>',
            self._html,
            re.DOTALL,
        )
        return _words(cell.group(1)) if cell else ""

    @property
    def alarms(self) -> set[str]:
        """Those that stand."""
        listed = re.findall(r"<li><strong>(.*?)</strong> since", self._html, re.DOTALL)
        return {_words(name).removeprefix("▲ ") for name in listed}


def _words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


#: What happened, and of which model.
Event = tuple[str, str]


class Moments:
    """Seconds from the making of this until something was so first."""

    def __init__(self, step: float = 0.5) -> None:
        self._began, self._step = time.monotonic(), step
        self.began_at = time.time()
        self.seconds: dict[Event, float] = {}

    def wait(self, conditions: Mapping[Event, Callable[[], Any]], deadline: float) -> None:
        """Until each of them has been so once."""
        while pending := [event for event in conditions if event not in self.seconds]:
            for event in pending:
                if conditions[event]():
                    self.seconds[event] = round(time.monotonic() - self._began, 1)
            passed = time.monotonic() - self._began
            assert passed < deadline, f"not within {deadline:g} s: {pending}; {self.seconds}"
            time.sleep(self._step)

    def table(self, title: str) -> str:
        """A line an event, a column a model."""
        models = list(dict.fromkeys(model for _, model in self.seconds))
        lines = [f"| {title} | {' | '.join(models)} |", "|---" * (1 + len(models)) + "|"]
        for what in dict.fromkeys(what for what, _ in self.seconds):
            cells = (str(self.seconds.get((what, model), "")) for model in models)
            lines.append(f"| {what} | {' | '.join(cells)} |")
        return "\n".join(lines)


def next_minute() -> None:
    """The beginning of a window of a minute."""
    wait_until(lambda: time.time() % 60 < 1, "a full minute", 120, 0.01)


def messages_of(titles: Iterable[str], model: str) -> list[str]:
    """Titles of messages or mails about a model, in the order in which they came."""
    return [title for title in titles if re.match(rf"\[\w+\] (over: )?{model}: ", title)]
