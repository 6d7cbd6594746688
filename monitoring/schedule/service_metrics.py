"""What the service says of itself: the journal's lag, each arm's share of the traffic, requests answered and failed.

Prometheus has asked every replica; where there is none, as under `make run`, the one service is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import requests

from outside.address import public, public_text

SECONDS = 3.0
LAG, SHARE = "swarmline_journal_lag_seconds", "swarmline_traffic_share"
REQUESTS = "swarmline_model_requests_total"
#: What its arm has to answer for; what is refused is the caller's fault.
OUTCOMES = ("answered", "failed")
#: What a service that is asked itself is called among replicas.
SERVICE = "service"
_SAMPLE = re.compile(rf"^({LAG}|{SHARE}|{REQUESTS})(?:\{{([^}}]*)\}})? ([-+.\w]+)$", re.M)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


Arm = tuple[str, str, str]


class ServiceMetrics(NamedTuple):
    """What a service says of itself. An arm is model, version, arm.

    `lag` is the longest that a replica says, in seconds, 0 where nobody was asked; `spool` is whose it is.
    """

    lag: float = 0.0
    shares: Mapping[Arm, float] = MappingProxyType({})
    spool: str = "a node's spool"
    #: Of which replicas say different shares, as while they are replaced.
    unsettled: frozenset[Arm] = frozenset()
    #: By replica and arm, requests that were answered, and that failed.
    requests: Mapping[str, Mapping[Arm, tuple[float, float]]] = MappingProxyType({})


class Unanswered(Exception):
    """Who was asked did not answer; the message says why."""


def from_prometheus(url: str) -> ServiceMetrics:
    lags = [(value, labels) for labels, value in _query(url, f"topk(1, {LAG})")]
    lag, labels = max(lags, key=lambda pair: pair[0], default=(0.0, {}))
    replica = str(labels.get("instance", ""))[:100]
    highest, lowest = (
        {
            _key(share_labels): value
            for share_labels, value in _query(url, f"{end} by (model, version, arm) ({SHARE})")
        }
        for end in ("max", "min")
    )
    requests_by_outcome = f'{REQUESTS}{{outcome=~"{"|".join(OUTCOMES)}", version!=""}}'
    return ServiceMetrics(
        lag,
        highest,
        f"the spool of the node of replica {replica}" if replica else ServiceMetrics().spool,
        frozenset(arm for arm, share in highest.items() if lowest.get(arm) != share),
        _by_replica(_query(url, requests_by_outcome)),
    )


def from_service(url: str) -> ServiceMetrics:
    text = _get(f"{url.rstrip('/')}/metrics", {}).text
    lag, shares, counted = 0.0, {}, []
    for name, words, value in _SAMPLE.findall(text):
        labels = dict(_LABEL.findall(words))
        if name == LAG:
            lag = max(lag, float(value))
        elif name == SHARE:
            shares[_key(labels)] = float(value)
        elif labels.get("outcome") in OUTCOMES and labels.get("version"):
            counted.append((labels, float(value)))
    return ServiceMetrics(lag, shares, requests=_by_replica(counted))


def _by_replica(
    samples: Iterable[tuple[Mapping[str, str], float]],
) -> dict[str, dict[Arm, tuple[float, float]]]:
    replicas: dict[str, dict[Arm, tuple[float, float]]] = {}
    for labels, value in samples:
        by_arm = replicas.setdefault(labels.get("instance", SERVICE), {})
        answered, failed = by_arm.get(_key(labels), (0.0, 0.0))
        is_failed = labels.get("outcome") == "failed"
        by_arm[_key(labels)] = (answered, value) if is_failed else (value, failed)
    return replicas


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


def _key(labels: Mapping[str, str]) -> Arm:
    return labels.get("model", ""), labels.get("version", ""), labels.get("arm", "")
