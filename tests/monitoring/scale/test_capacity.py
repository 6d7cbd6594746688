"""What is measured, by a real Prometheus with the rules of stack/monitoring, of tasks of two stacks."""

from __future__ import annotations

import datetime as dt
import threading
import time
from pathlib import Path

import pytest

from monitoring.scale.capacity import Load, Unmeasured, measure
from tests.support.machine import free_port, wait_until
from tests.support.monitored_site import prometheus
from tests.support.web import scraped

HOUR = dt.timedelta(hours=1)


def tasks() -> bytes:
    """As the exporter of hosts tells of them: two of this stack, and a large one of another, which nobody asks."""
    used = time.time() % 1e6
    lines = []
    for service, place, address, cores, speed in (
        *(("shop_model", 1, "127.0.0.1", 0.5, 30.0), ("shop_model", 2, "10.0.0.6", 0.5, 60.0)),
        ("rehearsal_model", 1, "10.0.9.5", 8.0, 90_000.0),
    ):
        of = f'node="n1",service="{service}",task="{service}.{place}.a"'
        lines += [
            f'swarmline_task_info{{{of},address="{address}"}} 1',
            f"swarmline_task_cpu_seconds_total{{{of}}} {used * speed}",
            f"swarmline_task_cpu_limit_cores{{{of}}} {cores}",
        ]
    lines += [
        'swarmline_service_tasks_desired{service="shop_model"} 2',
        'swarmline_service_tasks_desired{service="rehearsal_model"} 9',
    ]
    return ("\n".join(lines) + "\n").encode()


def measured(url: str) -> Load | None:
    try:
        return measure(url, HOUR)
    except Unmeasured:
        return None


def test_of_this_stack_alone_it_is_measured_what_its_replicas_use_and_may_use(tmp_path: Path):
    told = threading.Event()
    with scraped(lambda: tasks() if told.is_set() else b"") as address:
        targets = {
            "hosts": address,
            # That it does not answer changes nothing: it is asked.
            "model": f"127.0.0.1:{free_port()}",
            "alertmanager": f"127.0.0.1:{free_port()}",
        }
        with prometheus(tmp_path, targets) as numbers:
            with pytest.raises(Unmeasured, match="no numbers of the model service's tasks yet"):
                measure(numbers.url, HOUR)
            told.set()
            wait_until(lambda: measured(numbers.url) is not None, "the load is measured")
            load = measure(numbers.url, HOUR)
            moment = dt.timedelta(seconds=2)
            wait_until(lambda: measure(numbers.url, moment).quiet, "a whole span was recorded")
    assert (load.cores, load.ordered, load.quiet) == (0.5, 2, None)
    # Of a few seconds, Prometheus makes a rate over minutes; the other stack's would be thousands.
    assert 0 < load.busiest <= 90 and 0 < load.lately <= 90


def test_a_prometheus_that_is_away_is_said_to_be():
    with pytest.raises(Unmeasured, match="Prometheus does not answer"):
        measure(f"http://127.0.0.1:{free_port()}", HOUR)
