"""A model that is served and drifts, in the monitor's database, and what Alertmanager posts of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from msgspec.structs import replace

from monitoring.findings import Alarm, Store
from tests.support.monitoring import alarm, finding, raise_alarm, record

MODEL = "yield"
WEBHOOK_TOKEN = "f" * 32


def serve_model(store: Store, version: str = "3", age: dt.timedelta = dt.timedelta()) -> None:
    """A judged window of the champion, which ended so long ago."""
    end = dt.datetime.now(dt.UTC) - age
    start = end - dt.timedelta(hours=1)
    window = record(start=start, end=end, judged_at=end, version=version, model=MODEL)
    store.save(window, [finding(verdict="raised", value=0.4)])


def stand(store: Store, kind: str = "drift", **fields: Any) -> Alarm:
    now = dt.datetime.now(dt.UTC)
    standing = alarm(model=MODEL, kind=kind, raised_at=now, window_start=now, **fields)
    raise_alarm(store, standing)
    return standing


def end_alarm(store: Store, standing: Alarm) -> None:
    store.resolve_alarm(replace(standing, resolved_at=dt.datetime.now(dt.UTC)))


def alert(name: str = "InputDrift", model: str = MODEL, **fields: Any) -> dict[str, Any]:
    """As Alertmanager sends it to a webhook."""
    labels = {"alertname": name, "model": model, "severity": "ticket", "action": "retrain"}
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "its inputs moved"},
        "startsAt": "2026-11-26T04:00:00.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{hash_of(name + model):016x}",
        **fields,
    }


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode()[:8].ljust(8, b"x"), "big")


def message(*alerts: dict[str, Any], **fields: Any) -> bytes:
    document = {
        "receiver": "retrain",
        "status": "firing",
        "alerts": alerts or [alert()],
        "groupLabels": {"model": MODEL},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": '{}/{action="retrain"}:{model="yield"}',
        "truncatedAlerts": 0,
        **fields,
    }
    return json.dumps(document).encode()
