"""The real Alertmanager under stack/monitoring, its waits cut short; alerts are posted as Prometheus does."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.support.machine import free_port, wait_until
from tests.support.processes import answers, spawned
from tests.support.prometheus import MONITORING

SCRIPT, BASE = MONITORING / "alertmanager.sh", MONITORING / "alertmanager.yml"
#: Alertmanager's own in the image, another in Debian's package.
PROGRAM = os.environ.get("ALERTMANAGER", "prometheus-alertmanager")
NONE = "none"


def environment(
    folder: Path, base: Path = BASE, webhook: str = NONE, **settings: str
) -> dict[str, str]:
    """What the script reads; secrets that are not named say `none`, as in a stack that has none."""
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "alert_webhook").write_text(webhook)
    (secrets / "alert_mail_password").write_text(NONE)
    places = {"ALERT_BASE": base, "ALERT_WRITTEN": folder / "written.yml", "ALERT_SECRETS": secrets}
    return {
        "PATH": os.environ["PATH"],
        **{name: str(path) for name, path in places.items()},
        **settings,
    }


def run(environ: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """The script, which becomes this command."""
    return subprocess.run(
        ["sh", str(SCRIPT), *words], env=environ, capture_output=True, text=True, check=False
    )


def quick(folder: Path) -> Path:
    """alertmanager.yml with seconds where it has minutes."""
    text = BASE.read_text(encoding="utf-8")
    text = re.sub(r"group_wait: \w+", "group_wait: 1s", text)
    text = re.sub(r"group_interval: \w+", "group_interval: 1s", text)
    file = folder / "quick.yml"
    file.write_text(text, encoding="utf-8")
    return file


class Alertmanager:
    def __init__(self, url: str):
        self.url = url

    def post(self, *alerts: Mapping[str, str], over: bool = False) -> None:
        """Alerts by their labels: they fire, or are over."""
        now = dt.datetime.now(dt.UTC)
        moments = {"startsAt": (now - dt.timedelta(seconds=5)).isoformat()}
        if over:
            moments["endsAt"] = (now - dt.timedelta(seconds=1)).isoformat()
        documents = [
            {
                "labels": labels,
                "annotations": {
                    "summary": f"{labels['alertname']} has a reason",
                    "runbook_url": "https://r.test/#x",
                },
                **moments,
            }
            for labels in alerts
        ]
        requests.post(f"{self.url}/api/v2/alerts", json=documents, timeout=10).raise_for_status()

    def states(self) -> dict[tuple[str, str], str]:
        """By name and severity: `active`, or `suppressed` by another alert."""
        alerts: list[dict[str, Any]] = requests.get(f"{self.url}/api/v2/alerts", timeout=10).json()
        return {
            (alert["labels"]["alertname"], alert["labels"]["severity"]): alert["status"]["state"]
            for alert in alerts
        }


@contextmanager
def running(folder: Path, environ: Mapping[str, str]) -> Iterator[Alertmanager]:
    port = free_port()
    command = [
        *("sh", str(SCRIPT), PROGRAM, f"--config.file={environ['ALERT_WRITTEN']}"),
        *(f"--storage.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("w") as log:
        with spawned(command, folder, dict(environ), stdout=log, stderr=log) as process:
            url = f"http://127.0.0.1:{port}"
            ready = f"{url}/-/ready"
            wait_until(
                lambda: process.poll() is not None or answers(ready), "Alertmanager is ready"
            )
            assert process.poll() is None, (folder / "alertmanager.log").read_text()
            yield Alertmanager(url)
