"""The closed loop on a real Swarm: inputs and what they mean change, and it ends with another champion and no alert.

Drift, estimate and quality speak; one alert starts one build of Jenkins' job, whose real commands train, release, ramp
and release again. Jenkins' address is a stand-in that keeps what it is asked. Callers ask all the while.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.machine import wait_until
from tests.support.monitoring.shift import COLUMNS, GATE, UNSURE, WIDTH, ModelPage, Moments
from tests.support.monitoring.shift import draw as draw_inputs
from tests.support.monitoring.shift import next_minute
from tests.support.receivers import Chat
from tests.support.retrain_job import TOKEN, RetrainJob, retrain_job
from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.commands import Outcome
from tests.support.swarm_stack.events import nobody_noticed, note
from tests.support.swarm_stack.monitored import shorter_alerts, windows_of_a_minute
from tests.support.swarm_stack.releases import Release, Workshop
from tests.support.swarm_stack.stack import Stack
from tests.support.swarm_stack.truthful import KEY, Rows, TruthfulCallers, World
from tests.support.training import Workspace, tracking_server, write_spec
from tests.support.web import serving
from tests.swarm.test_monitoring import query
from tests.swarm.test_releases import asked_page

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
MODEL = "seedlings"
ALERTS = ("InputDrift", "EstimateBelowGate", "QualityBelowGate", "RelationChanged")
MINUTE = 60.0
SETTINGS = windows_of_a_minute(every=5, allowance=5) | {
    "EDGE_PORT": "9448",
    "MODEL_REPLICAS": "2",
}
#: Requests a second of each of two callers, and rows of each: 2,400 rows a minute.
RATE, ROWS = 10.0, 2
#: Seconds until the truth of an answer is known: so long the estimate alone can tell.
TRUTH_DELAY = 180.0
#: In the new season light is lower, and half of the plants are of either grade where it is so high.
SHIFT, NEW_UNSURE = -11.5, 56.0
#: Of either season in the table that models are trained from.
TABLE_ROWS = 8_000


def world(shift: float, unsure: float) -> World:
    def draw(random: np.random.Generator) -> Rows:
        drawn = draw_inputs(random, ROWS, shift)
        cells = zip(*(values.tolist() for values in drawn.values()), strict=True)
        return [dict(zip(drawn, row, strict=True)) for row in cells]

    def truths_of(random: np.random.Generator, rows: Rows) -> list[str]:
        light = np.array([row["light"] for row in rows])
        return grades(random, light, unsure)

    return World(draw, truths_of)


def grades(random: np.random.Generator, light: Any, unsure: float) -> list[str]:
    is_a = random.random(len(light)) < 1 / (1 + np.exp((unsure - light) / WIDTH))
    return [str(grade) for grade in np.where(is_a, "A", "B")]


OLD, NEW = world(0.0, UNSURE), world(SHIFT, NEW_UNSURE)


def append_rows(table: Path, shift: float, unsure: float, age: dt.timedelta) -> None:
    """A season's rows, the first of them so old: what the site's own systems write down."""
    random = np.random.default_rng(int(unsure))
    drawn = draw_inputs(random, TABLE_ROWS, shift)
    first = dt.datetime.now(dt.UTC).replace(tzinfo=None) - age
    at = [first + dt.timedelta(seconds=10 * number) for number in range(TABLE_ROWS)]
    rows = pd.DataFrame(drawn).assign(at=at, grade=grades(random, drawn["light"], unsure))
    rows.to_csv(table, mode="a", header=not table.exists(), index=False)


@dataclass
class Site:
    """The stack, its models' table and training, Jenkins and the people who are told."""

    stack: Stack
    workshop: Workshop
    workspace: Workspace
    spec: Path
    jenkins: RetrainJob
    chat: Chat
    #: What a build of the jobs did, each with its seconds.
    steps: dict[str, float] = field(default_factory=dict)

    def page(self) -> ModelPage:
        answer = asked_page(self.stack, f"/monitor/models/{MODEL}", self.stack.key)
        return ModelPage(answer.text if answer.status_code == 200 else "")

    def began(self, alert: str) -> float | None:
        """When Prometheus began to say so; None where it does not."""
        series = query(self.stack, f'ALERTS_FOR_STATE{{alertname="{alert}",model="{MODEL}"}}')
        return float(series[0]["value"][1]) if series else None

    def release(self, name: str) -> Release:
        """What is exported, as an image that serves."""
        started = dt.datetime.now()
        release = self.workshop.release_of(self.workspace.bundles.parent, monitoring="on")
        self.steps[f"{name}: image, publish"] = seconds_since(started)
        done = self.stack.deploy(release, "--why", name).good()
        self.steps[f"{name}: deploy"] = done.seconds
        return release

    def training(self, step: str, *words: object) -> None:
        started = dt.datetime.now()
        done = self.workspace.process(*words)
        assert done.code == 0, done.out + done.err
        self.steps[step] = seconds_since(started)


def seconds_since(started: dt.datetime) -> float:
    return round((dt.datetime.now() - started).total_seconds(), 1)


@pytest.fixture(name="site", scope="module")
def _site(
    swarm: Swarm, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One model of the old season, released with monitoring that may start trainings."""
    host, folder = swarm.network.gateway, tmp_path_factory.mktemp("loop")
    with ExitStack() as ended:
        chat = ended.enter_context(serving(Chat(host)))
        jenkins = ended.enter_context(retrain_job(host=host))
        mlflow, _ = ended.enter_context(tracking_server(folder, host))
        append_rows(folder / "rows.csv", 0.0, UNSURE, dt.timedelta(days=90))
        spec = write_spec(
            folder,
            MODEL,
            folder / "rows.csv",
            data={"target": "grade", "split": "time", "time": "at", "window": "30d"},
            columns=COLUMNS,
            gates={"metrics": {"accuracy": {"min": GATE}}},
        )
        workspace = Workspace(folder, MLFLOW_TRACKING_URI=mlflow)
        settings = SETTINGS | {"MONITOR_MLFLOW": mlflow, "RETRAIN_URL": jenkins.url}
        stack = Stack(
            swarm,
            tmp_path_factory.mktemp("stack"),
            "loop",
            settings,
            workshop.altered("loop", *shorter_alerts("2m")),
        )
        stack.run("secrets", "make", "--self-signed", "edge.test").good()
        stack.run("secrets", "add-key", KEY, "--scopes", "predict,truth").good()
        for secret, text in (("alert_webhook", chat.url), ("retrain_token", TOKEN)):
            (folder / secret).write_text(text, encoding="ascii")
            stack.run("secrets", "rotate", secret, "--file", str(folder / secret)).good()
        site = Site(stack, workshop, workspace, spec, jenkins, chat)
        site.training("first training", "train", spec, "--promote", "the old season")
        ended.callback(stack.remove)
        site.release("first release")
        yield site


def test_a_season_that_turns_ends_with_another_champion_and_no_alert(site: Site):
    with TruthfulCallers(site.stack, MODEL, OLD, RATE, delay=TRUTH_DELAY) as callers:
        wait_until(
            lambda: "✓ ok" in site.page().estimate, "a window without a shift", 6 * MINUTE, 2
        )
        assert not site.page().alarms and not site.jenkins.started
        next_minute()
        moments = Moments()
        callers.world = NEW
        # The rows of the new season are where the spec's source is by the time that anybody trains.
        append_rows(site.spec.with_name("rows.csv"), SHIFT, NEW_UNSURE, dt.timedelta(days=1))
        moments.wait(alarmed(site), 10 * MINUTE)
        for alert in ALERTS:
            began = site.began(alert)
            if began is not None:
                moments.seconds[alert, MODEL] = round(began - moments.began_at, 1)
        ramp = build(site)
        moments.seconds["another champion answers all callers", MODEL] = round(
            time.time() - moments.began_at, 1
        )
        moments.wait(recovered(site), 30 * MINUTE)
    print(moments.table("seconds from the turn of the season"))
    print(f"{callers.seen.summary}\n{site.steps}\n{ramp.words}\n{site.chat.titles}")
    figures = {what: seconds for (what, _), seconds in moments.seconds.items()}
    note(
        "the closed loop", callers.seen,
        seconds_after=figures, steps=site.steps, ramp=ramp.document, truths=callers.seen.truths,
    )  # fmt: skip
    assert nobody_noticed(callers.seen), callers.seen.summary
    (started,) = site.jenkins.started
    assert started["MODEL"] == MODEL and "EstimateBelowGate" in started["REASON"], started
    # Each began once: from the shift until it was over.
    for alert in ALERTS:
        changes = query(
            site.stack, f'changes(ALERTS_FOR_STATE{{alertname="{alert}",model="{MODEL}"}}[1h])'
        )
        assert all(float(series["value"][1]) == 0 for series in changes), changes
    # A message when the first alert begins, one when the second does; one or two as they end.
    *told, over = site.chat.titles
    assert not any("over: " in title for title in told) and "over: " in over, site.chat.titles
    assert len(told) == len(set(told)) <= 3, site.chat.titles


def alarmed(site: Site) -> dict[tuple[str, str], Any]:
    """What is seen of the turn, until Jenkins is asked for a build."""
    return {
        ("drift, on the page", MODEL): lambda: "light" in site.page().raised_columns,
        ("estimate below the gate, on the page", MODEL): lambda: (
            "▲ raised" in site.page().estimate
        ),
        ("alarms of drift and estimate", MODEL): lambda: (
            {"Drift: light", "Estimate: accuracy"} <= site.page().alarms
        ),
        ("alarms of quality by truth, and of the relation", MODEL): lambda: (
            {"Quality: accuracy", "Relation changed: accuracy"} <= site.page().alarms
        ),
        ("people are told", MODEL): lambda: site.chat.titles,
        ("Jenkins is asked for a training", MODEL): lambda: site.jenkins.started,
    }


def recovered(site: Site) -> dict[tuple[str, str], Any]:
    return {
        ("no alarm on the page", MODEL): lambda: not site.page().alarms,
        ("no alert in Prometheus", MODEL): lambda: all(site.began(each) is None for each in ALERTS),
        ("people are told that it is over", MODEL): lambda: "over: " in site.chat.titles[-1],
    }


def build(site: Site) -> Outcome:
    """What the jobs retrain, experiment and deliver do, by their own commands."""
    parameters = site.jenkins.queue.pop(0)
    site.jenkins.build(**parameters)
    site.training("training, gates", "train", site.spec)
    site.training("export beside the champion", "export", site.spec)
    site.release("challenger beside the champion")
    ramp = site.stack.run(
        *("ramp", MODEL, "--steps", "5,25,50", "--promote", "better", "--json"),
        *("--why", parameters["REASON"]),
    )
    assert ramp.good().document["outcome"] == "promoted", ramp.words
    site.steps["ramp"] = ramp.seconds
    site.training("promotion", "promote", site.spec, "--version", "2", "--why", "a ramp")
    site.training("export as champion", "export", site.spec)
    site.release("another champion")
    site.jenkins.builds[-1]["building"] = False
    return ramp
