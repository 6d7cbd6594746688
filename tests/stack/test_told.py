"""From an alarm of the monitor to a person: real Prometheus and Alertmanager, once, and over when it is over."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.alertmanager import environment, quick, running
from tests.support.machine import wait_until
from tests.support.monitor_numbers import MODEL, monitor
from tests.support.monitored_site import prometheus
from tests.support.monitoring import alarm, raise_alarm
from tests.support.prometheus import RUNBOOK
from tests.support.receivers import Chat, Mail
from tests.support.web import serving

pytestmark = pytest.mark.slow
SECONDS = 40.0


def test_an_alarm_reaches_people_once_with_its_reason_and_is_over(tmp_path: Path) -> None:
    with serving(Chat()) as chat, serving(Mail()) as mail, monitor(tmp_path) as (address, store):
        settings = {
            "ALERT_MAIL_TO": "a@ops.test",
            "ALERT_SMTP": mail.address,
            "ALERT_MAIL_TLS": "false",
        }
        environ = environment(tmp_path, quick(tmp_path), chat.url, **settings)
        with running(tmp_path, environ) as alertmanager:
            targets = {"monitor": address, "alertmanager": alertmanager.url.removeprefix("http://")}
            with prometheus(tmp_path, targets):
                low = alarm(model=MODEL, kind="quality", column="r2")
                # The other arm's is no second message.
                other = replace(low, arm="challenger", version="4")
                raise_alarm(store, low)
                raise_alarm(store, other)
                wait_until(lambda: chat.titles, "the chat is told", SECONDS)
                assert chat.titles == [f"[page] {MODEL}: QualityBelowGate"]
                text = chat.messages[0]["attachments"][0]["text"]
                assert "r2 0.9 (version 3, champion)" in text
                assert f"{RUNBOOK}#qualitybelowgate" in text
                wait_until(lambda: chat.titles[0] in mail.subjects, "and the mail", SECONDS)
                for each in (low, other):
                    store.resolve_alarm(replace(each, resolved_at=each.raised_at))
                over = f"[page] over: {MODEL}: QualityBelowGate"
                wait_until(lambda: over in chat.titles, "it is over", SECONDS)
                assert chat.titles == [f"[page] {MODEL}: QualityBelowGate", over]
