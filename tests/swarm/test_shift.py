"""Callers whose inputs shift, on a real Swarm: when the pages show it, when people are told, once, and that it is over.

Every wait is as in a user's stack but two that only make the end late (`shorter_alerts`); windows are of a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.monitoring.shift import (
    DRIFTS,
    FALLS,
    SHIFTS,
    STAYS,
    Event,
    ModelPage,
    Moments,
    ShiftingCallers,
    messages_of,
    next_minute,
    train,
)
from tests.support.receivers import Chat, Mail
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.events import nobody_noticed, note
from tests.support.swarm_stack.monitored import shorter_alerts, windows_of_a_minute
from tests.support.swarm_stack.releases import Release, Workshop
from tests.support.swarm_stack.stack import Stack
from tests.support.training import tracking_server
from tests.support.web import serving
from tests.swarm.test_monitoring import query
from tests.swarm.test_releases import asked_page

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
MINUTE = 60.0
SETTINGS = windows_of_a_minute(every=5, allowance=5) | {
    "EDGE_PORT": "9445",
    "ALERT_MAIL_TO": "a@ops.test",
    "ALERT_MAIL_TLS": "false",
}
#: Of each model, 2,400 rows a minute.
RATE, ROWS = 2.0, 20
PAGED, OVER = (f"[page] {over}{FALLS}: EstimateBelowGate" for over in ("", "over: "))


class Site:
    """The stack, and the people of whom it knows."""

    def __init__(self, stack: Stack, chat: Chat, mail: Mail):
        self.stack, self.chat, self.mail = stack, chat, mail
        self._pages: dict[str, tuple[float, ModelPage]] = {}

    def page(self, model: str) -> ModelPage:
        """Through the edge; asked for once a second at most."""
        at, page = self._pages.get(model, (0.0, ModelPage("")))
        if time.monotonic() - at > 1:
            answer = asked_page(self.stack, f"/monitor/models/{model}", self.stack.key)
            page = ModelPage(answer.text if answer.status_code == 200 else "")
            self._pages[model] = time.monotonic(), page
        return page

    def fired_at(self, alert: str, model: str) -> float:
        """When Prometheus began to say so."""
        matching = f'{{alertname="{alert}",model="{model}"}}'
        (series,) = query(self.stack, f"ALERTS_FOR_STATE{matching}")
        return float(series["value"][1])

    def tickets(self, model: str) -> list[str]:
        return [each for each in messages_of(self.mail.subjects, model) if "[ticket]" in each]


@pytest.fixture(name="site", scope="module")
def _site(
    swarm: Swarm, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Three models trained into an MLflow that the Swarm reaches, released, deployed with monitoring from nothing."""
    host, folder = swarm.network.gateway, tmp_path_factory.mktemp("shift")
    with ExitStack() as ended:
        chat = ended.enter_context(serving(Chat(host)))
        mail = ended.enter_context(serving(Mail(host)))
        mlflow, _ = ended.enter_context(tracking_server(folder, host))
        workspace = train(folder, MLFLOW_TRACKING_URI=mlflow)
        release = workshop.release_of(workspace.bundles.parent, monitoring="on")
        settings = SETTINGS | {"MONITOR_MLFLOW": mlflow, "ALERT_SMTP": mail.address}
        root = workshop.altered("shorter", *shorter_alerts("1m"))
        stack = Stack(swarm, tmp_path_factory.mktemp("stack"), "shift", settings, root)
        stack.run("secrets", "make", "--self-signed", "edge.test").good()
        (folder / "webhook").write_text(chat.url, encoding="ascii")
        stack.run("secrets", "rotate", "alert_webhook", "--file", str(folder / "webhook")).good()
        ended.callback(stack.remove)
        done = stack.deploy(release, "--watch", "0").good()
        assert done.document["monitoring"]["state"] == "running", done.words
        note("size of the images", megabytes=sizes(swarm, release))
        yield Site(stack, chat, mail)


def sizes(swarm: Swarm, release: Release) -> dict[str, float]:
    """Unpacked, with the base."""
    ask = ("image", "inspect", "--format", "{{.Size}}")
    images = {"service": release.image, "monitor": release.monitor}
    return {name: round(int(swarm.docker(*ask, of)) / 1e6, 1) for name, of in images.items()}


def test_people_are_told_once_of_a_shift_that_harms_and_once_that_it_is_over(site: Site):
    asking = ShiftingCallers(site.stack.key, SHIFTS, RATE, ROWS)
    with site.stack.called(asking.threads, asking.next_request) as callers:
        for model in SHIFTS:
            wait_until(
                lambda model=model: "✓ ok" in site.page(model).estimate,
                f"a window of {model} without a shift",
                6 * MINUTE,
                1,
            )
        assert not any(site.page(model).alarms for model in SHIFTS)
        next_minute()
        asking.shift()
        began = told(site)
        next_minute()
        asking.go_back()
        ended = over(site)
    figures = {f"{what}: {model}": seconds for (what, model), seconds in (began | ended).items()}
    note("inputs shift for some minutes", callers.seen, seconds_after=figures)
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert site.chat.titles == [PAGED, OVER]
    for model in (FALLS, DRIFTS):
        first, last = site.tickets(model)
        assert "InputDrift" in first and last == first.replace("] ", "] over: ")
    assert not messages_of(site.mail.subjects, STAYS) and not site.page(STAYS).alarms
    others = [each for each in site.mail.subjects if not any(model in each for model in SHIFTS)]
    print(f"{callers.seen.summary}\nmails about anything else: {others}")


def told(site: Site) -> dict[Event, float]:
    moments = Moments()
    conditions: dict[Event, Callable[[], Any]] = {
        ("drift, on the page", FALLS): lambda: site.page(FALLS).raised_columns == ["light"],
        ("drift, on the page", DRIFTS): lambda: site.page(DRIFTS).raised_columns == ["light"],
        ("estimate below the gate, on the page", FALLS): lambda: (
            "▲ raised" in site.page(FALLS).estimate
        ),
        ("alarms, on the page", FALLS): lambda: (
            {"Drift: light", "Estimate: accuracy"} <= site.page(FALLS).alarms
        ),
        ("alarms, on the page", DRIFTS): lambda: "Drift: light" in site.page(DRIFTS).alarms,
        ("page, by chat", FALLS): lambda: PAGED in site.chat.titles,
        ("page, by mail", FALLS): lambda: PAGED in site.mail.subjects,
        ("ticket, by mail", FALLS): lambda: site.tickets(FALLS),
        ("ticket, by mail", DRIFTS): lambda: site.tickets(DRIFTS),
    }
    moments.wait(conditions, 8 * MINUTE)
    for alert, model in (
        ("EstimateBelowGate", FALLS),
        ("InputDrift", FALLS),
        ("InputDrift", DRIFTS),
    ):
        seconds = site.fired_at(alert, model) - moments.began_at
        moments.seconds[f"{alert}, in Prometheus", model] = round(seconds, 1)
    print(moments.table("seconds from the shift"))
    return moments.seconds


def over(site: Site) -> dict[Event, float]:
    moments = Moments()
    conditions: dict[Event, Callable[[], Any]] = {
        ("no alarm on the page", FALLS): lambda: not site.page(FALLS).alarms,
        ("no alarm on the page", DRIFTS): lambda: not site.page(DRIFTS).alarms,
        ("page over, by chat", FALLS): lambda: OVER in site.chat.titles,
        ("page over, by mail", FALLS): lambda: OVER in site.mail.subjects,
        ("ticket over, by mail", FALLS): lambda: "over: " in site.tickets(FALLS)[-1],
        ("ticket over, by mail", DRIFTS): lambda: "over: " in site.tickets(DRIFTS)[-1],
    }
    moments.wait(conditions, 15 * MINUTE)
    print(moments.table("seconds from the end of the shift"))
    return moments.seconds
