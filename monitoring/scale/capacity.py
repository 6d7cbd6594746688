"""`measure`: what the replicas of the model service use of what they may, as Prometheus has recorded it.

    replicas = ceil(cores used by all of them / (0.65 * cores that one of them may use)), within the bounds

What they use is CPU time by the engines' own count, in the busiest five minutes of a span; what one may use is its CPU
limit. Near saturation requests wait and use nothing: the number is then the least, and the next measurement goes on
from there.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import NamedTuple

import requests

from outside.address import public_text

SECONDS = 3.0
#: The share of its CPU that a replica may use in the busiest five minutes. At 0.65 a request waits about two answers
#: long in a queue with one server, at 0.85 about six; and of three replicas one may be lost (0.98).
BUSY = 0.65
#: Less is no number but noise of rounding: 1.3 cores of 0.65 are 2 replicas.
EPSILON = 1e-6
#: As stack/monitoring/rules.yml records them.
USED, LATELY = "capacity:cores_used:rate5m", "capacity:cores_used:rate2m"
CORES, ORDERED = "capacity:cores_of_a_replica:max", "capacity:replicas_ordered:max"


class Unmeasured(Exception):
    """Prometheus does not answer, or has no such numbers yet; the message says which."""


class Bounds(NamedTuple):
    least: int
    most: int

    def within(self, number: int) -> int:
        return min(max(number, self.least), self.most)


class Load(NamedTuple):
    """Cores that all replicas together use, and what one may use.

    `lately` is of the last two minutes, `busiest` of the busiest five minutes of the last day, `quiet` of the busiest
    five of the last quiet span, None where less than that was recorded.
    """

    lately: float
    busiest: float
    quiet: float | None
    cores: float
    ordered: int


def replicas_for(used: float, cores: float) -> int:
    """How many replicas it takes, whatever the bounds."""
    return max(1, math.ceil(used / (BUSY * cores) - EPSILON))


def measure(url: str, quiet: dt.timedelta) -> Load:
    """Unmeasured where that cannot be told."""
    span = f"{int(quiet.total_seconds())}s"
    lately, busiest, cores, ordered = (
        _ask(url, query) for query in (LATELY, f"max_over_time({USED}[1d])", CORES, ORDERED)
    )
    if lately is None or busiest is None or not cores or ordered is None:
        raise Unmeasured("Prometheus has no numbers of the model service's tasks yet")
    calm = _ask(url, f"max_over_time({USED}[{span}]) and {USED} offset {span}")
    return Load(lately, busiest, calm, cores, int(ordered))


def _ask(url: str, query: str) -> float | None:
    try:
        answer = requests.get(f"{url.rstrip('/')}/api/v1/query", {"query": query}, timeout=SECONDS)
        answer.raise_for_status()
        samples = answer.json()["data"]["result"]
        return float(samples[0]["value"][1]) if samples else None
    except requests.RequestException as error:
        raise Unmeasured(f"Prometheus does not answer: {public_text(str(error))}") from error
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unmeasured("what answers at PROMETHEUS_URL is no Prometheus") from error
