"""From callers whose inputs shift to a person, and until it is over, by everything real that lies between them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.alertmanager import environment, quick, running
from tests.support.machine import free_port, wait_until
from tests.support.monitored_site import prometheus
from tests.support.monitoring.shift import (
    FALLS,
    ModelPage,
    Moments,
    ShiftingCallers,
    messages_of,
    train,
)
from tests.support.postgres import Cluster
from tests.support.processes import answers
from tests.support.receivers import Chat, Mail
from tests.support.service.server import Server
from tests.support.swarm_stack.callers import Callers
from tests.support.web import serving

pytestmark = pytest.mark.slow
SECONDS = 120.0
#: Of four seconds.
WINDOW = {"MONITOR_WINDOW": "2000 rows", "MONITOR_EVERY": "1", "MONITOR_ALLOWANCE": "1"}
RATE, ROWS = 10.0, 50


@pytest.fixture(name="journal")
def _journal() -> Iterator[str]:
    # Not below tmp_path: the server's own user must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        cluster = Cluster(Path(folder))
        cluster.start()
        yield cluster.url
        cluster.stop()


@pytest.fixture(name="monitored")
def _monitored(journal: str, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Service and monitor over one journal, which is a database of the real server."""
    workspace = train(tmp_path, (FALLS,))
    environ = {
        "BUNDLES": str(workspace.bundles),
        "JOURNAL_URL": journal,
        "FINDINGS_URL": journal,
        "JOURNAL_SPOOL": str(tmp_path / "spool"),
        "MONITOR_STATE": str(tmp_path / "state"),
        "DRAIN_SECONDS": "0",
        "WORKERS": "1",
        **WINDOW,
    }
    with ExitStack() as stack:

        def start(name: str, *module: str, **more: str) -> Server:
            bind = {"BIND": f"127.0.0.1:{free_port()}"}
            server = Server(environ | bind | more, tmp_path / f"{name}.log", *module)
            stack.callback(server.stop)
            return server

        service = start("service")
        wait_until(lambda: service.ready, "the service", SECONDS)
        monitor = start("monitor", "monitoring", "serve", SERVICE_URL=service.url)
        wait_until(lambda: answers(f"{monitor.url}/health"), "the monitor", SECONDS)
        yield service, monitor


def page(monitor: Server, model: str) -> ModelPage:
    return ModelPage(requests.get(f"{monitor.url}/monitor/models/{model}", timeout=30).text)


def test_a_shift_that_harms_reaches_a_person_once_and_is_over_once(
    monitored: tuple[Server, Server], tmp_path: Path
) -> None:
    service, monitor = monitored
    callers = ShiftingCallers("", (FALLS,), RATE, ROWS)
    with ExitStack() as stack:
        chat, mail = stack.enter_context(serving(Chat())), stack.enter_context(serving(Mail()))
        settings = {"ALERT_SMTP": mail.address, "ALERT_MAIL_TO": "a@ops.test"}
        environ = environment(
            tmp_path, quick(tmp_path), chat.url, **settings, ALERT_MAIL_TLS="false"
        )
        alertmanager = stack.enter_context(running(tmp_path, environ))
        targets = {"monitor": monitor.url, "alertmanager": alertmanager.url}
        stack.enter_context(prometheus(tmp_path, {k: v[7:] for k, v in targets.items()}))
        asking = stack.enter_context(
            Callers(["127.0.0.1"], service.port, None, callers.next_request, callers.threads)
        )
        wait_until(
            lambda: "✓ ok" in page(monitor, FALLS).estimate, "windows without a shift", SECONDS
        )
        assert not chat.titles and not page(monitor, FALLS).alarms
        callers.shift()
        told(Moments(step=1.0), lambda: page(monitor, FALLS), chat, mail)
        callers.go_back()
        over(Moments(step=1.0), lambda: page(monitor, FALLS), chat, mail)
        assert chat.titles == [
            f"[page] {FALLS}: EstimateBelowGate",
            f"[page] over: {FALLS}: EstimateBelowGate",
        ]
        assert not asking.seen.failures and asking.seen.requests


def told(moments: Moments, shown: Callable[[], ModelPage], chat: Chat, mail: Mail) -> None:
    conditions: dict[str, Callable[[], Any]] = {
        "drift on the page": lambda: shown().raised_columns == ["light"],
        "estimate below the gate": lambda: "▲ raised" in shown().estimate,
        "alarms on the page": lambda: {"Drift: light", "Estimate: accuracy"} <= shown().alarms,
        "the chat": lambda: f"[page] {FALLS}: EstimateBelowGate" in chat.titles,
        "the mail": lambda: any("InputDrift" in each for each in messages_of(mail.subjects, FALLS)),
    }
    moments.wait({(what, FALLS): so for what, so in conditions.items()}, SECONDS)
    text = chat.messages[0]["attachments"][0]["text"]
    assert "accuracy 0.8" in text and "(version 1, champion)" in text
    print(moments.table("seconds from the shift"))


def over(moments: Moments, shown: Callable[[], ModelPage], chat: Chat, mail: Mail) -> None:
    conditions: dict[str, Callable[[], Any]] = {
        "no alarm on the page": lambda: not shown().alarms,
        "the chat": lambda: f"[page] over: {FALLS}: EstimateBelowGate" in chat.titles,
        "the mail": lambda: messages_of(mail.subjects, FALLS)[-1].startswith("[ticket] over: "),
    }
    moments.wait({(what, FALLS): so for what, so in conditions.items()}, SECONDS)
    print(moments.table("seconds from the end of the shift"))
