"""Alertmanager's message, as its webhooks send it (version 4), read as one delivery a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

VERSION = "4"
#: The alerts that newer data may be a remedy for, and the monitor's alarm behind each. Not those of a broken source
#: (missing values, many inputs at once): training on it would teach the model what is broken.
ALERTS = {
    "InputDrift": "drift",
    "RelationDrift": "relation",
    "EstimateBelowGate": "estimate",
    "QualityBelowGate": "quality",
    "RelationChanged": "trust",
}
ACTION = "retrain"
MODEL = re.compile(r"\w[\w.-]{0,99}")
MOST_ALERTS = 1000


class BadMessage(Exception):
    """It is none of Alertmanager's; the message says what is wrong with it."""


class Delivery(NamedTuple):
    """What a message says of one model."""

    #: Empty where the alerts name none.
    model: str
    #: By name, each once; other alerts than `ALERTS` are not among them.
    alerts: tuple[str, ...]
    #: The same for the same alerts, whichever Alertmanager sends them, and however often.
    key: str


# Alertmanager's own names.
# pylint: disable=invalid-name
class _Alert(msgspec.Struct):
    status: str
    labels: dict[str, str]
    startsAt: str  # noqa: N815
    fingerprint: str = ""


class _Message(msgspec.Struct):
    version: str
    alerts: list[_Alert]


# pylint: enable=invalid-name


def read_message(body: bytes) -> list[Delivery]:
    """One delivery for each model of which an alert fires; BadMessage where it cannot be understood."""
    try:
        message = msgspec.json.decode(body, type=_Message)
    except msgspec.MsgspecError as error:
        raise BadMessage(f"this is no message of Alertmanager's webhook: {error}") from error
    if message.version != VERSION:
        raise BadMessage(
            f"the message is of version {message.version[:20]!r}; understood is {VERSION!r}"
        )
    if len(message.alerts) > MOST_ALERTS:
        raise BadMessage(
            f"the message has {len(message.alerts)} alerts; understood are {MOST_ALERTS}"
        )
    by_model: dict[str, list[_Alert]] = {}
    for alert in message.alerts:
        if alert.status == "firing" and alert.labels.get("action") == ACTION:
            name = alert.labels.get("model", "")
            by_model.setdefault(name if MODEL.fullmatch(name) else "", []).append(alert)
    return [_delivery(model, alerts) for model, alerts in sorted(by_model.items())]


def _delivery(model: str, alerts: Iterable[_Alert]) -> Delivery:
    names = {alert.labels.get("alertname", "") for alert in alerts}
    lines = sorted(f"{_identity(alert)}@{alert.startsAt}" for alert in alerts)
    key = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
    return Delivery(model, tuple(sorted(names & ALERTS.keys())), key)


def _identity(alert: _Alert) -> str:
    """Alertmanager's fingerprint is a hash of the labels."""
    return alert.fingerprint or "\0".join(
        f"{name}={text}" for name, text in sorted(alert.labels.items())
    )
