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
    """`lag` is the longest that a replica says, in seconds, 0 where nobody was asked; `spool` is whose it is."""

    lag: float = 0.0
    #: By model, version and arm.
    shares: Mapping[tuple[str, str, str], float] = MappingProxyType({})
    spool: str = "a node's spool"


class Unanswered(Exception):
    """Who was asked did not answer; the message says why."""


def from_prometheus(url: str) -> ServiceMetrics:
    lags = [(value, labels) for labels, value in _query(url, f"topk(1, {LAG})")]
    lag, labels = max(lags, key=lambda pair: pair[0], default=(0.0, {}))
    shares = _query(url, f"max by (model, version, arm) ({SHARE})")
    replica = str(labels.get("instance", ""))[:100]
    return ServiceMetrics(
        lag,
        {_key(share_labels): value for share_labels, value in shares},
        f"the spool of the node of replica {replica}" if replica else ServiceMetrics().spool,
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
