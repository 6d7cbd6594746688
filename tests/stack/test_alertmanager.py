"""Whom Alertmanager tells what: routes by amtool, and a real one with receivers that keep what they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.alertmanager import Alertmanager, environment, quick, run, running
from tests.support.machine import wait_until
from tests.support.prometheus import alerts
from tests.support.receivers import Chat, Mail
from tests.support.web import serving

MAIL = {
    "ALERT_MAIL_TO": "a@ops.test,b@ops.test",
    "ALERT_MAIL_FROM": "swarm@ops.test",
    "ALERT_SMTP": "mail.test:587",
}


class Site(NamedTuple):
    alertmanager: Alertmanager
    chat: Chat
    mail: Mail


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[Site]:
    with serving(Chat()) as chat, serving(Mail()) as mail:
        settings = {**MAIL, "ALERT_SMTP": mail.address, "ALERT_MAIL_TLS": "false"}
        environ = environment(tmp_path, quick(tmp_path), chat.url, **settings)
        with running(tmp_path, environ) as alertmanager:
            yield Site(alertmanager, chat, mail)


@pytest.mark.parametrize(
    ("webhook", "settings"),
    [
        ("none", {}),
        ("https://chat.test/hook\n", {}),
        ("none", MAIL),
        (
            "https://chat.test/hook",
            {**MAIL, "ALERT_MAIL_USER": "swarm", "ALERT_HEARTBEAT_URL": "https://beat.test/a?b=c"},
        ),
        ("none", {"RETRAIN_URL": "https://jenkins.test:8443/job/swarmline/job/retrain"}),
    ],
)
def test_its_file_is_sound_whatever_is_set(
    tmp_path: Path, webhook: str, settings: dict[str, str]
) -> None:
    environ = environment(tmp_path, webhook=webhook, **settings)
    (tmp_path / "secrets/alert_mail_password").write_text("secret")
    (tmp_path / "secrets/retrain_webhook_token").write_text("a secret'")
    done = run(environ, "amtool", "check-config", environ["ALERT_WRITTEN"])
    assert done.returncode == 0, done.stdout + done.stderr
    written = Path(environ["ALERT_WRITTEN"]).read_text(encoding="utf-8")
    assert written.count("webhook_configs") == ("RETRAIN_URL" in settings) + (
        "ALERT_HEARTBEAT_URL" in settings
    )
    assert written.count("email_configs") == 2 * ("ALERT_MAIL_TO" in settings)
    assert written.count("slack_configs") == (webhook != "none")
    assert "chat.test" not in written and "secret'" not in written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALERT_MAIL_TO", "a@b.c'"),
        ("ALERT_MAIL_TO", "a@b.c\n  x: y"),
        ("ALERT_SMTP", "mail:25 #"),
        ("ALERT_MAIL_TLS", "{}"),
        ("RETRAIN_URL", "http://j/job/x'"),
    ],
)
def test_a_value_that_would_say_more_than_it_is_ends_the_start(
    tmp_path: Path, name: str, value: str
) -> None:
    done = run(environment(tmp_path, **{name: value}), "true")
    assert done.returncode == 1 and done.stderr.startswith(f"{name} is not ")


@pytest.mark.parametrize(
    "rule", alerts(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}"
)
def test_each_alert_goes_where_its_severity_says(tmp_path: Path, rule) -> None:
    environ = environment(tmp_path)
    labels = [f"alertname={rule['alert']}"]
    labels += [f"{name}={text}" for name, text in rule["labels"].items()]
    done = run(
        environ,
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={environ['ALERT_WRITTEN']}",
        *labels,
    )
    wanted = {"page": "page", "ticket": "ticket", "info": "nobody"}[rule["labels"]["severity"]]
    if "action" in rule["labels"]:
        wanted = f"retrain,{wanted}"
    assert done.stdout.strip() == ("heartbeat" if rule["alert"] == "Watchdog" else wanted)


def test_without_mail_and_webhook_it_starts_and_shows_its_alerts(tmp_path: Path) -> None:
    with running(tmp_path, environment(tmp_path)) as alertmanager:
        alertmanager.post({"alertname": "NodeDown", "node": "two", "severity": "ticket"})
        wait_until(
            lambda: alertmanager.states() == {("NodeDown", "ticket"): "active"}, "it has the alert"
        )


@pytest.mark.slow
def test_a_title_leaves_out_what_of_its_group_is_over(site: Site) -> None:
    stays, ends = (
        {"alertname": name, "model": "dose", "severity": "page"}
        for name in ("EstimateBelowGate", "QualityBelowGate")
    )
    site.alertmanager.post(stays, ends)
    both = "[page] dose: EstimateBelowGate, QualityBelowGate"
    wait_until(lambda: both in site.chat.titles, "both are told of")
    site.alertmanager.post(ends, over=True)
    wait_until(lambda: "[page] dose: EstimateBelowGate" in site.chat.titles, "one is left")
    text = site.chat.messages[-1]["attachments"][0]["text"]
    assert text.count("over: ") == 1


@pytest.mark.slow
def test_a_page_comes_once_by_mail_and_chat_as_one_message_a_model_and_is_resolved(
    site: Site,
) -> None:
    yields = [
        {"alertname": name, "model": "yield", "severity": "page"}
        for name in ("EstimateBelowGate", "QualityBelowGate")
    ]
    other = {"alertname": "QualityBelowGate", "model": "grade", "severity": "page"}
    site.alertmanager.post(*yields, other)
    wait_until(
        lambda: len(site.chat.titles) >= 2 and len(site.mail.mails) >= 2, "both models are told of"
    )
    # The rule goes on firing, and Prometheus says so each minute.
    site.alertmanager.post(*yields, other)
    site.alertmanager.post(*yields, over=True)
    wait_until(lambda: len(site.chat.titles) >= 3 and len(site.mail.mails) >= 3, "one is over")
    assert sorted(site.chat.titles) == [
        "[page] grade: QualityBelowGate",
        "[page] over: yield: EstimateBelowGate, QualityBelowGate",
        "[page] yield: EstimateBelowGate, QualityBelowGate",
    ]
    assert sorted(site.mail.subjects) == sorted(site.chat.titles)
    assert site.mail.mails[0]["To"] == "a@ops.test, b@ops.test"
    text = site.chat.messages[0]["attachments"][0]["text"]
    assert "has a reason" in text and "https://r.test/#x" in text


@pytest.mark.slow
def test_a_ticket_comes_by_mail_alone(site: Site) -> None:
    site.alertmanager.post({"alertname": "InputDrift", "model": "yield", "severity": "ticket"})
    wait_until(lambda: site.mail.subjects == ["[ticket] yield: InputDrift"], "the mail")
    assert not site.chat.messages


#: What fires, what it silences, and what it does not.
INHIBITED = [
    (
        {"alertname": "NodeDown", "node": "two", "severity": "ticket"},
        {"alertname": "TargetDown", "node": "two", "job": "model", "severity": "ticket"},
        {"alertname": "DiskFull", "node": "one", "severity": "page"},
    ),
    (
        {"alertname": "MonitorStale", "model": "yield", "severity": "ticket"},
        {"alertname": "InputDrift", "model": "yield", "severity": "ticket"},
        {"alertname": "QualityBelowGate", "model": "yield", "severity": "page"},
    ),
    (
        {"alertname": "MonitorStale", "model": "yield", "severity": "ticket"},
        {"alertname": "EstimateBelowGate", "model": "yield", "severity": "page"},
        {"alertname": "PredictionDrift", "model": "grade", "severity": "ticket"},
    ),
    (
        {"alertname": "LatencyBudgetBurns", "model": "yield", "severity": "page", "x": "1"},
        {"alertname": "LatencyBudgetBurns", "model": "yield", "severity": "ticket"},
        {"alertname": "CallersRefused", "model": "yield", "severity": "ticket"},
    ),
    (
        {"alertname": "MonitorAbsent", "severity": "ticket"},
        {"alertname": "TargetDown", "job": "monitor", "severity": "ticket"},
        {"alertname": "NoReplicaReady", "severity": "page"},
    ),
    (
        {"alertname": "ManyInputsDrift", "model": "yield", "severity": "ticket"},
        {"alertname": "InputDrift", "model": "yield", "severity": "ticket"},
        {"alertname": "MissingValues", "model": "yield", "severity": "ticket"},
    ),
    (
        {"alertname": "NoReplicaReady", "severity": "page"},
        {"alertname": "ErrorBudgetBurns", "severity": "page"},
        {"alertname": "JournalSheds", "severity": "page"},
    ),
    (
        {"alertname": "TargetsAbsent", "job": "hosts", "severity": "ticket"},
        {"alertname": "EnginesUnseen", "severity": "ticket"},
        {"alertname": "TargetDown", "job": "grafana", "severity": "ticket"},
    ),
]


@pytest.mark.slow
def test_an_alert_silences_what_it_explains_and_nothing_else(site: Site) -> None:
    for source, silenced, heard in INHIBITED:
        site.alertmanager.post(source, silenced, heard)
        wanted = {
            (silenced["alertname"], silenced["severity"]): "suppressed",
            (heard["alertname"], heard["severity"]): "active",
            (source["alertname"], source["severity"]): "active",
        }
        wait_until(lambda: site.alertmanager.states() == wanted, f"{wanted}")
        site.alertmanager.post(source, silenced, heard, over=True)
        wait_until(lambda: not site.alertmanager.states(), "all of it is over")
    assert not [words for words in site.mail.subjects if "EnginesUnseen" in words]
