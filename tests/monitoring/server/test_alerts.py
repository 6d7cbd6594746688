"""The loop over real processes: Alertmanager's webhook, the monitor, and a stand-in for Jenkins' address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from monitoring.findings import Retrains, Store
from monitoring.server.web import create_app
from monitoring.settings import read_settings
from tests.support.alertmanager import Alertmanager, environment, quick, running
from tests.support.machine import wait_until
from tests.support.monitored_site import prometheus
from tests.support.monitoring.retrains import (
    MODEL,
    WEBHOOK_TOKEN,
    alert,
    message,
    serve_model,
    stand,
)
from tests.support.processes import answers
from tests.support.retrain_job import TOKEN, RetrainJob, retrain_job
from tests.support.service.server import Server

pytestmark = pytest.mark.slow
SERVE = ("monitoring", "serve")
DRIFT = {"alertname": "InputDrift", "model": MODEL, "severity": "ticket", "action": "retrain"}


@pytest.fixture
def jenkins() -> Iterator[RetrainJob]:
    with retrain_job() as job:
        yield job


@pytest.fixture
def findings(environ: dict[str, str], tmp_path: Path) -> Iterator[Store]:
    """The monitor's database, with a model that is served and drifts."""
    environ["FINDINGS_URL"] = f"sqlite:///{tmp_path}/monitor.db"
    store = Store(environ["FINDINGS_URL"])
    store.prepare()
    serve_model(store)
    stand(store)
    yield store
    store.close()


@pytest.fixture
def monitor_of(
    start: Callable[..., Server], findings: Store, jenkins: RetrainJob
) -> Callable[..., Server]:
    # pylint: disable=unused-argument # it is to be there
    def begin(**settings: str) -> Server:
        given = {
            "RETRAIN_URL": jenkins.url,
            "RETRAIN_TOKEN": TOKEN,
            "RETRAIN_WEBHOOK_TOKEN": WEBHOOK_TOKEN,
        }
        monitor = start(*SERVE, **given | settings)
        wait_until(lambda: answers(f"{monitor.url}/health"), "the monitor answers", 120)
        return monitor

    return begin


def post(monitor: Server, body: bytes, token: str = WEBHOOK_TOKEN) -> requests.Response:
    headers = {"Content-Type": "application/json"} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    return requests.post(f"{monitor.url}/alerts/retrain", body, headers=headers, timeout=20)


def outcome(monitor: Server, body: bytes) -> dict[str, Any]:
    answer = post(monitor, body)
    assert answer.status_code == 200, answer.text
    (shown,) = answer.json()["requests"]
    return dict(shown)


def numbers(monitor: Server) -> str:
    return requests.get(f"{monitor.url}/metrics", timeout=20).text


def quickly_repeating(folder: Path) -> Path:
    """Alertmanager's file with seconds, also from one delivery to the next of the same alert."""
    file = quick(folder)
    text = re.sub(r"repeat_interval: \w+", "repeat_interval: 1s", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    return file


def alertmanager_environ(folder: Path, monitor: Server, jenkins: RetrainJob) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    environ = environment(
        folder,
        quickly_repeating(folder),
        RETRAIN_URL=jenkins.url,
        RETRAIN_WEBHOOK_URL=f"{monitor.url}/alerts/retrain",
    )
    (folder / "secrets/retrain_webhook_token").write_text(WEBHOOK_TOKEN, encoding="utf-8")
    return environ


def deliveries(findings: Store) -> int:
    return sum(request.deliveries for request in Retrains(findings.engine).newest())


def test_two_alertmanagers_that_send_again_and_again_start_one_build(
    monitor_of, findings: Store, jenkins: RetrainJob, tmp_path: Path
):
    monitor = monitor_of()
    first = alertmanager_environ(tmp_path / "a", monitor, jenkins)
    second = alertmanager_environ(tmp_path / "b", monitor, jenkins)

    def tell(*alertmanagers: Alertmanager) -> None:
        for alertmanager in alertmanagers:
            alertmanager.post(DRIFT, {**DRIFT, "alertname": "NodeDown", "action": "none"})

    with running(tmp_path / "a", first) as one, running(tmp_path / "b", second) as other:
        tell(one, other)
        wait_until(lambda: jenkins.started, "Jenkins is asked for a build", 60)
        wait_until(lambda: deliveries(findings) >= 5, "both have sent it again", 60)
    assert len(jenkins.started) == 1
    (parameters,) = jenkins.started
    assert parameters["MODEL"] == MODEL and parameters["REASON"].startswith("InputDrift of yield")
    wait_until(
        lambda: f'retrain_total{{model="{MODEL}",outcome="started"}} 1.0' in numbers(monitor),
        "the metric says so",
        30,
    )
    page = requests.get(f"{monitor.url}/monitor/alarms", timeout=20).text
    assert "Retraining was started at 20" in page and "because of InputDrift" in page


def test_each_refusal_says_why_and_starts_nothing(monitor_of, findings: Store, jenkins: RetrainJob):
    monitor = monitor_of()
    assert post(monitor, message(), "").status_code == 401
    assert post(monitor, message(), "wrong" * 8).status_code == 401
    assert post(monitor, b"{").status_code == 400
    assert post(monitor, b"x" * (1 << 21)).status_code == 413
    assert requests.get(f"{monitor.url}/alerts/retrain", timeout=20).status_code == 405
    assert deliveries(findings) == 0
    unknown = outcome(monitor, message(alert(model="unknown")))
    assert unknown["outcome"] == "refused" and "no model unknown" in unknown["reason"]
    assert outcome(monitor, message())["outcome"] == "waiting"
    wait_until(lambda: jenkins.started, "Jenkins is asked for a build", 120)
    wait_until(
        lambda: outcome(monitor, message())["outcome"] == "started", "the replay is told of it", 30
    )
    stand(findings, "quality", column="r2")
    cooling = outcome(monitor, message(alert("QualityBelowGate")))
    assert cooling["outcome"] == "cool-down" and "may begin at" in cooling["reason"]
    assert len(jenkins.started) == 1
    log = monitor.log.read_text(encoding="utf-8")
    for word in ("unknown", "started", "cool-down", "retrain-unauthorised"):
        assert word in log
    assert WEBHOOK_TOKEN not in log and TOKEN not in log


def test_with_jenkins_down_and_a_restart_between_it_is_started_once(
    monitor_of, jenkins: RetrainJob
):
    jenkins.down()
    monitor = monitor_of()
    assert outcome(monitor, message())["outcome"] == "waiting"
    down = 'source_up{source="jenkins"} 0.0'
    wait_until(lambda: down in numbers(monitor), "Jenkins is said to be down", 120)
    assert f'retrain_waiting{{model="{MODEL}"}} 1.0' in numbers(monitor)
    page = requests.get(f"{monitor.url}/monitor/alarms", timeout=20).text
    assert "Retraining waits for Jenkins: the retrain job cannot be reached" in page
    # Killed as by a lost node.
    monitor.process.kill()
    monitor.process.wait()
    again = monitor_of()
    jenkins.up()
    wait_until(lambda: jenkins.started, "Jenkins is asked for a build", 120)
    wait_until(lambda: down not in numbers(again), "Jenkins is up", 120)
    assert outcome(again, message())["outcome"] == "started" and len(jenkins.started) == 1


@pytest.mark.parametrize(
    "given", [{"RETRAIN_TOKEN": "none"}, {"RETRAIN_WEBHOOK_TOKEN": "none"}, {"RETRAIN_URL": ""}]
)
def test_it_is_off_until_an_address_and_both_tokens_are_given(
    environ: dict[str, str], findings: Store, given: dict[str, str]
):
    usual = {"RETRAIN_URL": "http://jenkins.test/job/x", "RETRAIN_TOKEN": TOKEN}
    usual |= {"RETRAIN_WEBHOOK_TOKEN": WEBHOOK_TOKEN}
    names = ("BUNDLES", "JOURNAL_URL", "FINDINGS_URL", "MONITOR_STATE")
    settings = read_settings({name: environ[name] for name in names} | usual | given)
    headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
    refused = (
        create_app(settings).test_client().post("/alerts/retrain", data=message(), headers=headers)
    )
    assert refused.status_code == 404 and "RETRAIN_TOKEN" in refused.json["detail"]
    assert deliveries(findings) == 0


def test_from_the_monitors_alarm_by_rule_and_message_to_one_build(
    monitor_of, findings: Store, jenkins: RetrainJob, tmp_path: Path
):
    monitor = monitor_of()
    environ = alertmanager_environ(tmp_path / "a", monitor, jenkins)
    with running(tmp_path / "a", environ) as alertmanager:
        targets = {
            "monitor": monitor.url.removeprefix("http://"),
            "alertmanager": alertmanager.url.removeprefix("http://"),
        }
        with prometheus(tmp_path, targets):
            wait_until(lambda: jenkins.started, "the alarm has started a build", 120)
            # Missing values are for a person: that source is broken.
            stand(findings, "missing")
            fires = ("MissingValues", "ticket")
            wait_until(lambda: alertmanager.states().get(fires) == "active", "it fires", 60)
            wait_until(lambda: deliveries(findings) >= 3, "the first is sent again", 60)
    (parameters,) = jenkins.started
    assert parameters["REASON"].startswith("InputDrift of yield version 3; request 1 of ")
