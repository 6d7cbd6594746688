"""What the overview says of replicas, from the database of findings to the page."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from monitoring.findings import Capacity, Scaling, Scalings, Store
from monitoring.pages.contents import replicas
from tests.support.monitoring import site as support

NOW = dt.datetime.now(dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def test_the_overview_says_how_many_the_load_needed_and_what_was_ordered(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path}/monitor.db")
    store.prepare()
    scalings = Scalings(store.engine)
    client = support.application(support.sources(tmp_path, store)).test_client()
    assert "Replicas</h2>" not in client.get("/monitor/").text
    now = dt.datetime.now(dt.UTC)
    scalings.keep_capacity(
        Capacity(measured_at=now, busiest=0.6, cores=0.5, ordered=1, needed=2, unbounded=2)
    )
    order = Scaling(first=1, last=2, why="0.6 <cores>", outcome="started", asked_at=now - MINUTE)
    scalings.take(lambda _: order)
    page = client.get("/monitor/").text
    assert "The load of the last day needed 2 replicas of the model service; 1 is ordered." in page
    assert "it used 0.6 cores, and a replica may use 0.5." in page
    assert "The last change by AUTOSCALE, from 1 to 2, was given to Jenkins" in page
    assert "0.6 &lt;cores&gt;" in page
    store.close()


def test_bounds_and_age_are_said_where_they_matter(store: Store):
    scalings = Scalings(store.engine)
    old = NOW - 30 * MINUTE
    scalings.keep_capacity(
        Capacity(measured_at=old, busiest=3.0, cores=0.5, ordered=2, needed=6, unbounded=10)
    )
    (sentence,) = replicas.sentences(scalings, NOW)
    assert (
        "needed 10 replicas of the model service, 6 within REPLICAS_MIN and REPLICAS_MAX"
        in sentence
    )
    assert "2 are ordered" in sentence and "(measured 30 min ago)" in sentence
