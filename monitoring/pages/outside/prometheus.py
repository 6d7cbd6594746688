"""What Prometheus knows of right now: requests, errors, latency and replicas, the journal's lag, refused values."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

import requests

from monitoring.pages.words import plural
from outside.address import public_text

_LOG = logging.getLogger(__name__)
#: Seconds for one answer, and seconds that it is shown.
TIMEOUT = 2.0
FRESH = 10.0
_BY_ARM = "sum by (model, version, arm)"
QUERIES = {
    "answered": f"{_BY_ARM} (rate(swarmline_model_requests_total[5m]))",
    "failed": f'{_BY_ARM} (rate(swarmline_model_requests_total{{outcome="failed"}}[5m]))',
    "slow": "histogram_quantile(0.99, sum by (le, model, version, arm) (rate(swarmline_latency_seconds_bucket[5m])))",
    "lag": "max(swarmline_journal_lag_seconds)",
    "refused": "sum by (model, column, reason) (increase(swarmline_refused_values_total[1h])) > 0",
    "replicas": 'sum(up{job="model"})',
}
Labels = Mapping[str, str]


class Refused(NamedTuple):
    """Values of one column that the contract refused in the last hour."""

    model: str
    column: str
    reason: str
    values: float


class Now(NamedTuple):
    """By query the labels and value of each answer; empty where Prometheus does not answer."""

    answers: Mapping[str, tuple[tuple[Labels, float], ...]]

    def value(self, query: str, **labels: str) -> float | None:
        for own, value in self.answers.get(query, ()):
            if all(own.get(name) == text for name, text in labels.items()) and math.isfinite(value):
                return value
        return None

    def of_arm(self, model: str, version: str, arm: str) -> tuple[str, ...]:
        """Short sentences for one arm."""
        labels = {"model": model, "version": version, "arm": arm}
        rate, failed = self.value("answered", **labels), self.value("failed", **labels)
        slow = self.value("slow", **labels)
        sentences = []
        if rate is not None:
            sentences.append(f"{rate:.3g} requests/s")
        if rate and failed is not None:
            sentences.append(f"{failed / rate:.2%} failed")
        if slow is not None:
            sentences.append(f"99 of 100 within {slow * 1000:.3g} ms")
        return tuple(sentences)

    @property
    def health(self) -> tuple[str, ...]:
        lag, replicas = self.value("lag"), self.value("replicas")
        sentences = []
        if replicas is not None:
            answer = "answers" if replicas == 1 else "answer"
            sentences.append(
                f"{plural(round(replicas), 'replica')} of the service {answer} Prometheus."
            )
        if lag is not None:
            sentences.append(f"The journal is {lag:.3g} s behind what was predicted.")
        return tuple(sentences)

    def refused(self, model: str) -> list[Refused]:
        lines = [
            Refused(
                own.get("model", ""), own.get("column", ""), own.get("reason", ""), round(value)
            )
            for own, value in self.answers.get("refused", ())
            if own.get("model") == model and round(value)
        ]
        return sorted(lines, key=lambda line: -line.values)


class Prometheus:
    """Asked at most every ten seconds, whoever looks."""

    def __init__(self, url: str):
        self._url = url.rstrip("/")
        self._lock = Lock()
        self._now = Now({})
        self._asked = -math.inf

    def now(self) -> Now:
        if not self._url:
            return self._now
        with self._lock:
            if monotonic() - self._asked > FRESH:
                self._now = self._ask()
                self._asked = monotonic()
            return self._now

    def _ask(self) -> Now:
        answers = {}
        try:
            for name, query in QUERIES.items():
                answers[name] = self._one(query)
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            _LOG.warning("Prometheus did not answer: %s", public_text(str(error)))
            return Now({})
        return Now(answers)

    def _one(self, query: str) -> tuple[tuple[Labels, float], ...]:
        asked = requests.get(f"{self._url}/api/v1/query", params={"query": query}, timeout=TIMEOUT)
        asked.raise_for_status()
        result: list[dict[str, Any]] = asked.json()["data"]["result"]
        return tuple((line["metric"], float(line["value"][1])) for line in result)
