"""What the pages ask a real Prometheus that scraped the service's own metrics; nothing is shown where it is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitoring.pages import Prometheus
from monitoring.pages.outside.prometheus import QUERIES, Refused
from monitoring.schedule.service_metrics import from_prometheus
from service.process.metrics import Metrics
from tests.support.machine import wait_until
from tests.support.monitored_site import prometheus
from tests.support.monitoring.board import HOSTILE, MOVED
from tests.support.web import scraped

ARM = {"model": MOVED, "version": "5", "arm": "champion"}


@contextmanager
def exporter() -> Iterator[tuple[str, list[int]]]:
    """Counters of the service that grew once, and the numbers of its scrapes.

    Of what grows with each scrape two questions would have two answers: some scrape lies between them.
    """
    from prometheus_client import Gauge, generate_latest

    metrics, scrapes = Metrics(), [0]
    Gauge("swarmline_journal_lag_seconds", "", registry=metrics.registry).set(2.5)

    def scrape() -> bytes:
        scrapes.append(scrapes[-1] + 1)
        grows = scrapes[-1] == 2
        metrics.model_requests.labels(*ARM.values(), "answered").inc(30 * grows)
        metrics.model_requests.labels(*ARM.values(), "failed").inc(10 * grows)
        metrics.refused_values.labels(MOVED, HOSTILE, "unknown").inc(7 * grows)
        if scrapes[-1] <= 2:
            metrics.latency.labels(*ARM.values()).observe(0.004)
        return generate_latest(metrics.registry)

    with scraped(scrape) as address:
        yield address, scrapes


@pytest.mark.slow
def test_every_question_is_answered_and_said_in_words(tmp_path: Path):
    with (
        exporter() as (address, scrapes),
        prometheus(tmp_path, {"model": address, "alertmanager": "127.0.0.1:9"}) as started,
    ):

        def complete() -> bool:
            # After so many the rate of what grew once hardly moves any more.
            answers = Prometheus(started.url).now().answers
            return scrapes[-1] > 5 and all(answers.get(name) for name in QUERIES)

        wait_until(complete, "each query has an answer", 40)
        now = Prometheus(started.url).now()
        metrics = from_prometheus(started.url)
    # What windows wait for, and whose spool it is.
    assert metrics.lag == 2.5 and metrics.spool == f"the spool of the node of replica {address}"
    rate, failed, slow = now.of_arm(**ARM)
    assert rate.endswith(" requests/s") and slow.endswith(" ms")
    # The two rates are asked for one after the other, each made out for five minutes from some seconds.
    assert 20 < float(failed.removesuffix("% failed")) < 30
    assert now.of_arm(MOVED, "4", "champion") == ()
    assert now.health == (
        "1 replica of the service answers Prometheus.",
        "The journal is 2.5 s behind what was predicted.",
    )
    (line,) = now.refused(MOVED)
    assert line._replace(values=0) == Refused(MOVED, HOSTILE, "unknown", 0) and line.values > 0
    assert now.refused("yield-prediction") == []


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9"])
def test_where_it_is_away_nothing_is_shown(url: str):
    now = Prometheus(url).now()
    assert now.of_arm(**ARM) == () and now.health == () and now.refused(MOVED) == []
