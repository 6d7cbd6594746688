"""What the service says of itself that windows need: the journal's lag, and each arm's share of the traffic.

Prometheus has asked every replica; where there is none, as under `make run`, the one service is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import requests

from tables.address import public, public_text

SECONDS = 3.0
LAG, SHARE = "swarmline_journal_lag_seconds", "swarmline_traffic_share"
_SAMPLE = re.compile(rf"^({LAG}|{SHARE})(?:\{{([^}}]*)\}})? ([-+.\w]+)$", re.M)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class ServiceMetrics(NamedTuple):
    """`lag` is the longest that a replica says, in seconds, 0 where nobody was asked."""

    lag: float = 0.0
    #: By model, version and arm.
    shares: Mapping[tuple[str, str, str], float] = MappingProxyType({})


class Unanswered(Exception):
    """Who was asked did not answer; the message says why."""


def from_prometheus(url: str) -> ServiceMetrics:
    lags = list(_query(url, f"max({LAG})"))
    shares = _query(url, f"max by (model, version, arm) ({SHARE})")
    return ServiceMetrics(
        max((value for _, value in lags), default=0.0),
        {_key(labels): value for labels, value in shares},
    )


def from_service(url: str) -> ServiceMetrics:
    text = _get(f"{url.rstrip('/')}/metrics", {}).text
    lag, shares = 0.0, {}
    for name, labels, value in _SAMPLE.findall(text):
        if name == LAG:
            lag = max(lag, float(value))
        else:
            shares[_key(dict(_LABEL.findall(labels)))] = float(value)
    return ServiceMetrics(lag, shares)


def _query(url: str, query: str) -> Iterator[tuple[Mapping[str, str], float]]:
    answer = _get(f"{url.rstrip('/')}/api/v1/query", {"query": query})
    try:
        for sample in answer.json()["data"]["result"]:
            yield sample["metric"], float(sample["value"][1])
    except (KeyError, TypeError, ValueError) as error:
        raise Unanswered(
            f"{public(url)} is no Prometheus: its answer to a query cannot be read"
        ) from error


def _get(url: str, parameters: dict[str, Any]) -> requests.Response:
    try:
        answer = requests.get(url, parameters, timeout=SECONDS)
        answer.raise_for_status()
    except requests.RequestException as error:
        reason = public_text(str(error))
        raise Unanswered(f"it does not answer as it should ({reason})") from error
    return answer


def _key(labels: Mapping[str, str]) -> tuple[str, str, str]:
    return labels.get("model", ""), labels.get("version", ""), labels.get("arm", "")
