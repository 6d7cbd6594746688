"""The loop from callers whose world changes to a new champion, on a real Swarm: each step, and when it was.

Their inputs shift, and what these mean changes, too. Jenkins' address is a stand-in that keeps what it is asked; the
commands of its jobs `retrain` and `experiment` are run for it. The data's source gets the callers' rows from the shift
on: what `window` leaves of it some hours later.
"""

from __future__ import annotations

import datetime as dt
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.machine import wait_until
from tests.support.monitoring.shift import (
    COLUMNS,
    FALLS,
    GATE,
    ROWS,
    Moments,
    draw,
    grades,
    messages_of,
)
from tests.support.receivers import Chat, serving
from tests.support.retrain_job import TOKEN, RetrainJob, retrain_job
from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.events import note
from tests.support.swarm_stack.releases import Workshop, commit
from tests.support.swarm_stack.stack import Stack
from tests.support.swarm_stack.truthful import Question, TruthfulCallers
from tests.support.training import tracking_server, write_spec
from tests.swarm.test_shift import MINUTE, Site, next_minute

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
#: What an alert outlasts its alarm by, and what a message waits for the next one of its group.
SHORTER = {
    "rules.yml": ("keep_firing_for: 15m", "keep_firing_for: 1m"),
    "alertmanager.yml": ("group_interval: 5m", "group_interval: 30s"),
}
SETTINGS = {
    **{"MONITORING": "on", "MONITOR_EVERY": "5", "MONITOR_WINDOW": "1m", "MONITOR_ALLOWANCE": "5"},
    **{"EDGE_PORT": "9448", "MODEL_REPLICAS": "2", "EDGE_REPLICAS": "1", "WATCH": "8"},
}
#: The key of callers who say the truth, too.
CALLER = "caller"
#: Requests a second, and rows of each.
RATE, EACH = 20.0, 10
#: What is added to the callers' light, and where it then is that nobody can tell, and how fast that changes. Of these
#: rows the champion knows 0.62, estimates 0.85, and one that was trained on them knows 0.92.
SHIFT, UNSURE, WIDTH = -10.0, 46.0, 2.0


class World:
    """What callers ask, and what is true of it; from the shift on the rows are kept for the data's source."""

    def __init__(self) -> None:
        self._random = {number: np.random.default_rng([11, number]) for number in range(16)}
        self._shifted, self._lock = threading.Event(), threading.Lock()
        self._rows: list[pd.DataFrame] = []

    def shift(self) -> None:
        self._shifted.set()

    def question(self, thread: int) -> Question:
        random, shifted = self._random[thread], self._shifted.is_set()
        drawn = draw(random, EACH, SHIFT if shifted else 0.0)
        grade = (
            grades(random, drawn["light"], UNSURE, WIDTH)
            if shifted
            else grades(random, drawn["light"])
        )
        if shifted:
            with self._lock:
                self._rows.append(rows_of(drawn, grade, dt.datetime.now(dt.UTC)))
        cells = zip(*(values.tolist() for values in drawn.values()), strict=True)
        return Question([dict(zip(drawn, row, strict=True)) for row in cells], grade.tolist())

    def add_to(self, source: Path) -> int:
        """How many rows the source got."""
        with self._lock:
            rows = pd.concat(self._rows)
        rows.to_csv(source, mode="a", header=False, index=False)
        return len(rows)


def rows_of(drawn: dict[str, Any], grade: Any, at: Any) -> pd.DataFrame:
    return pd.DataFrame(drawn).assign(grade=grade, at=at)


def write_source(source: Path) -> None:
    """An hour of rows, some hours ago."""
    random = np.random.default_rng(7)
    drawn = draw(random, ROWS)
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(hours=4)
    times = [begin + dt.timedelta(seconds=place * 3500 / ROWS) for place in range(ROWS)]
    rows_of(drawn, grades(random, drawn["light"]), times).to_csv(source, index=False)


@pytest.fixture(name="source", scope="module")
def _source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source") / "rows.csv"
    write_source(source)
    return source


@pytest.fixture(name="jenkins", scope="module")
def _jenkins(swarm: Swarm) -> Iterator[RetrainJob]:
    with retrain_job("retrain", swarm.network.gateway) as job:
        yield job


@pytest.fixture(name="site", scope="module")
def _site(
    swarm: Swarm,
    workshop: Workshop,
    source: Path,
    jenkins: RetrainJob,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A site of one model: trained, released and promoted by the commands of the main pipeline."""
    folder, host = tmp_path_factory.mktemp("loop"), swarm.network.gateway
    with ExitStack() as ended:
        chat = ended.enter_context(serving(Chat(host)))
        mlflow, _ = ended.enter_context(tracking_server(folder, host))
        settings = {
            **SETTINGS,
            **{"MONITOR_MLFLOW": mlflow, "MLFLOW_TRACKING_URI": mlflow, "RETRAIN_URL": jenkins.url},
        }
        stack = Stack(swarm, folder / "stack", "loop", settings, checkout(workshop, source))
        stack.run("secrets", "make", "--self-signed", "edge.test").good()
        stack.run("secrets", "add-key", CALLER, "--scopes", "predict,truth").good()
        for name, text in {"alert_webhook": chat.url, "retrain_token": TOKEN}.items():
            (folder / name).write_text(text, encoding="ascii")
            stack.run("secrets", "rotate", name, "--file", str(folder / name)).good()
        ended.callback(stack.remove)
        make(stack, "train", "gate", "export", "image", "publish", ROLLOUT="replace")
        make(stack, "deploy", WHY="the first")
        make(stack, "promote-released")
        yield Site(stack, chat, None)  # type: ignore[arg-type] # nobody is told by mail


def checkout(workshop: Workshop, source: Path) -> Path:
    """The project with this one model, and waits of minutes that decide nothing made shorter."""
    root = workshop.checkout("loop")
    for name, (usual, short) in SHORTER.items():
        file = root / "stack/monitoring" / name
        text = file.read_text(encoding="utf-8")
        assert usual in text
        file.write_text(text.replace(usual, short), encoding="utf-8")
    models = root / "training/models"
    for spec in models.glob("*.toml"):
        spec.unlink()
    write_spec(
        models,
        FALLS,
        source,
        data={"target": "grade", "split": "time", "time": "at", "window": "1h"},
        columns=COLUMNS,
        gates={"metrics": {"accuracy": {"min": GATE}}},
    )
    commit(root, "One model")
    return root


def make(stack: Stack, *targets: str, **environ: str) -> str:
    """As a step of a pipeline does it; what it printed."""
    # The environment is there; a copy of the checkout is newer than it, and no other.
    command = ["make", "-o", ".venv/.ready", *targets]
    done = subprocess.run(
        command,
        cwd=stack.root,
        env={**stack.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{targets}: {done.stdout[-3000:]}{done.stderr[-5000:]}"
    print(done.stderr[-1500:])
    return done.stdout


@contextmanager
def called(stack: Stack, world: World) -> Iterator[TruthfulCallers]:
    trust = ssl.create_default_context(cafile=str(stack.folder / "secrets/edge.crt"))
    trust.check_hostname = False
    port = int(stack.environ["EDGE_PORT"])
    key = (stack.folder / f"secrets/{CALLER}.key").read_text(encoding="ascii").strip()
    with TruthfulCallers(
        stack.addresses(), port, trust, key, FALLS, world.question, RATE
    ) as callers:
        yield callers


class Steps(Moments):
    """Of one model."""

    def passed(self, what: str) -> None:
        self.mark((what, FALLS))
        print(f"{self.seconds[what, FALLS]:7.1f} s: {what}")


def test_a_change_of_the_world_becomes_a_new_champion_and_no_request_fails(
    site: Site, source: Path, jenkins: RetrainJob
):
    world = World()
    with called(site.stack, world) as callers:
        wait_until(
            lambda: "✓ ok" in site.page(FALLS).estimate, "a window without a shift", 6 * MINUTE, 1
        )
        assert not site.page(FALLS).alarms
        next_minute()
        world.shift()
        steps = Steps(1.0)
        harm(site, steps, jenkins)
        ramp = retrain(site, steps, jenkins, world, source)
        recovered(site, steps)
    seen = callers.seen
    figures = {what: seconds for (what, _), seconds in steps.seconds.items()}
    by = {arm: len(seen.of(arm)) for arm in ("champion", "challenger")}
    note("the closed loop", seen, seconds_after=figures, ramp=ramp, answered_by=by)
    print(steps.table("seconds from the shift"))
    print(site.chat.titles)
    assert not seen.failures and not seen.refused_truths, (seen.summary, seen.refused_truths)
    assert [order["MODEL"] for order in jenkins.started] == [FALLS]
    messages = messages_of(site.chat.titles, FALLS)
    assert len(messages) == len(set(messages)), "each is told once"
    assert "over: " in messages[-1]


def harm(site: Site, steps: Steps, jenkins: RetrainJob) -> None:
    """Until a training is asked for."""
    conditions = {
        ("drift on the page", FALLS): lambda: "light" in site.page(FALLS).raised_columns,
        ("estimate below the gate", FALLS): lambda: "▲ raised" in site.page(FALLS).estimate,
        ("alarm of drift", FALLS): lambda: "Drift: light" in site.page(FALLS).alarms,
        ("alarm of the estimate, or that the relation changed", FALLS): lambda: (
            any(
                name.startswith(("Estimate", "Relation changed"))
                for name in site.page(FALLS).alarms
            )
        ),
        ("alarm of quality", FALLS): lambda: "Quality: accuracy" in site.page(FALLS).alarms,
        ("people are told", FALLS): lambda: messages_of(site.chat.titles, FALLS),
        ("Jenkins is asked to retrain", FALLS): lambda: jenkins.started,
    }
    try:
        steps.wait(conditions, 8 * MINUTE)
    finally:
        print(steps.table("seconds from the shift"), site.page(FALLS).alarms, site.chat.titles)


def retrain(
    site: Site, steps: Steps, jenkins: RetrainJob, world: World, source: Path
) -> dict[str, Any]:
    """What Jenkins' jobs do: a version beside the champion, its ramp, its release. How the ramp ended."""
    stack, order = site.stack, jenkins.queue.pop(0)
    jenkins.build(**order)
    rows = world.add_to(source)
    asked = {"MODEL": order["MODEL"], "WHY": order["REASON"], "ROLLOUT": "beside"}
    make(stack, "train", **asked)
    steps.passed(f"trained, on {rows:,} rows")
    make(stack, "gate", **asked)
    make(stack, "export", "image", "publish", **asked)
    steps.passed("passed its gates and is published")
    make(stack, "deploy", **asked)
    steps.passed("serves beside the champion")
    with stack.begin("ramp", FALLS, "--step-minutes", "5", "--json") as running:
        ramp = running.outcome(1200)
    print(ramp.words)
    assert (ramp.code, ramp.document["outcome"]) == (0, "promoted"), ramp.words
    steps.passed("has all callers")
    why = "the ramp"
    make(stack, "promote", MODEL=FALLS, VERSION=ramp.document["challenger"], WHY=why)
    make(
        stack, "export", "image", "publish", "deploy", "promote-released", ROLLOUT="beside", WHY=why
    )
    steps.passed("is champion in a release of its own")
    jenkins.builds[-1]["building"] = False
    return {"took_s": ramp.seconds, **ramp.document}


def recovered(site: Site, steps: Steps) -> None:
    conditions = {
        ("its estimate is above the gate", FALLS): lambda: "✓ ok" in site.page(FALLS).estimate,
        ("no alarm stands", FALLS): lambda: not site.page(FALLS).alarms,
        ("people are told that it is over", FALLS): lambda: (
            "over: " in (messages_of(site.chat.titles, FALLS) or [""])[-1]
        ),
    }
    started = time.monotonic()
    steps.wait(
        conditions, steps.seconds["is champion in a release of its own", FALLS] + 12 * MINUTE
    )
    print(f"recovered {time.monotonic() - started:.0f} s after the release")
