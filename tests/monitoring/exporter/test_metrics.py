from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from monitoring.exporter import Exporter
from monitoring.exporter import metrics as module
from monitoring.findings import Capacity, Retrain, Retrains, Scaling, Scalings, Store
from tests.support.monitoring import alarm, finding, record
from tests.support.monitoring.verdicts import experiment_of, keep_experiment
from tests.support.postgres import Cluster

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
HOUR = dt.timedelta(hours=1)
ARM = ("yield", "3", "champion")


def window(number: int, **fields: Any) -> Any:
    """The hour before last is number 0."""
    start = NOW + (number - 2) * HOUR
    return record(start=start, end=start + HOUR, judged_at=NOW, **fields)


def scraped(exporter: Exporter) -> dict[tuple[str, ...], float]:
    """By name without prefix and the labels' values in the order of their names."""
    numbers = {}
    for family in text_string_to_metric_families(exporter.scrape().decode()):
        for sample in family.samples:
            labels = [sample.labels[name] for name in sorted(sample.labels)]
            numbers[(sample.name.removeprefix("swarmline_monitor_"), *labels)] = sample.value
    return numbers


def test_the_newest_window_of_each_arm_is_told_with_its_alarms(store: Store):
    store.save(window(0), [finding(value=0.9)])
    estimate = finding(kind="estimate", column="mae", value=0.4, bound=0.5)
    store.save(window(1, rows=1234), [finding(value=0.25), estimate], raised=[alarm()])
    numbers = scraped(Exporter(store, 30.0))
    assert numbers["window_rows", "champion", "yield", "3"] == 1234
    assert numbers["column_effect", "champion", "temperature", "yield", "3"] == 0.25
    assert numbers["column_alarm", "champion", "temperature", "yield", "3"] == 1
    assert numbers["alarm", "champion", "drift", "yield", "3"] == 1
    assert numbers["alarm", "champion", "quality", "yield", "3"] == 0
    assert numbers["estimate", "champion", "mae", "yield", "3"] == 0.4
    assert numbers["estimate_known", "champion", "yield", "3"] == 1
    assert numbers["bound", "mae", "yield"] == 0.5
    assert numbers["interval_seconds",] == 30


def test_the_verdict_of_an_experiment_that_runs_is_told(store: Store):
    keep_experiment(store, experiment_of("yield", NOW, verdict="worse", stop=True))
    keep_experiment(store, experiment_of("grade", NOW, ended_at=NOW))
    numbers = scraped(Exporter(store, 30.0))
    verdicts = {labels[-1]: value for labels, value in numbers.items() if labels[0] == "experiment"}
    assert verdicts == {"worse": 1, "better": 0, "as good": 0, "undecided": 0}
    assert numbers["experiment", "6", "5", "split", "yield", "worse"] == 1


def test_the_replicas_that_the_load_needed_are_told_as_long_as_the_measurement_counts(store: Store):
    scalings = Scalings(store.engine)
    now = dt.datetime.now(dt.UTC)
    measured = Capacity(measured_at=now, busiest=3.0, cores=0.5, ordered=2, needed=6, unbounded=10)
    scalings.keep_capacity(measured)
    orders = [("started", 0), ("started", 2), ("waiting", 1)]
    for place, (outcome, failures) in enumerate(orders):
        at = NOW + place * dt.timedelta(seconds=1)
        order = Scaling(first=1, last=2, why="", outcome=outcome, asked_at=at, failures=failures)
        scalings.take(lambda _, new=order: new)
    numbers = scraped(Exporter(store, 30.0))
    assert (numbers["replicas_needed",], numbers["replicas_needed_unbounded",]) == (6, 10)
    assert (numbers["scaling_total", "started"], numbers["scaling_total", "failed"]) == (2, 3)
    scalings.keep_capacity(replace(measured, measured_at=now - dt.timedelta(minutes=11)))
    assert ("replicas_needed",) not in scraped(Exporter(store, 30.0))


def test_requests_for_retraining_are_counted_by_what_became_of_them(store: Store):
    retrains = Retrains(store.engine)
    for outcome, failures in (("started", 2), ("started", 0), ("cool-down", 0), ("waiting", 3)):
        request = Retrain(
            model="yield",
            version="3",
            alerts="InputDrift",
            delivery=outcome,
            outcome=outcome,
            reason="",
            asked_at=NOW,
            failures=failures,
        )
        retrains.take("yield", lambda _, new=request: new)
    numbers = scraped(Exporter(store, 30.0))
    assert numbers["retrain_total", "yield", "started"] == 2
    assert numbers["retrain_total", "yield", "cool-down"] == 1
    assert numbers["retrain_total", "yield", "failed"] == 5
    assert numbers["retrain_waiting", "yield"] == 1


def test_what_truth_says_is_of_the_newest_window_that_has_some(store: Store):
    findings_with_values = [
        finding(kind="quality", column="mae", value=0.3),
        finding(kind="truth", column="share", value=0.5),
        finding(kind="truth", column="delay", value=90.0),
    ]
    nothing = [
        finding(kind="quality", column="mae", verdict="unknown", value=None),
        finding(kind="truth", column="share", value=0.0),
    ]
    store.save(window(0), findings_with_values)
    store.save(window(1), nothing)
    numbers = scraped(Exporter(store, 30.0))
    assert numbers["quality", "champion", "mae", "yield", "3"] == 0.3
    assert numbers["truth_share", "champion", "yield", "3"] == 0.5
    assert numbers["truth_delay_seconds", "champion", "yield", "3"] == 90


def test_a_version_that_answers_no_more_is_told_only_while_an_alarm_of_it_stands(store: Store):
    store.save(window(0, version="2"), [finding()], raised=[alarm(version="2")])
    store.save(window(1), [finding()])
    numbers = scraped(Exporter(store, 30.0))
    assert numbers["alarm", "champion", "drift", "yield", "2"] == 1
    assert ("window_rows", "champion", "yield", "2") not in numbers
    store.resolve_alarm(replace(alarm(version="2"), resolved_at=NOW))
    assert not [key for key in scraped(Exporter(store, 30.0)) if key[-1] == "2"]


def test_a_model_that_nobody_asks_any_more_is_not_stale(store: Store):
    old = NOW - dt.timedelta(days=40)
    store.save(record(start=old, end=old + HOUR), [finding()])
    store.note_success("yield", old)
    store.note_success("new", NOW)
    numbers = scraped(Exporter(store, 30.0))
    assert numbers["last_success_timestamp_seconds", "new"] == NOW.timestamp()
    assert ("last_success_timestamp_seconds", "yield") not in numbers


def test_sources_and_the_clock_are_told(store: Store):
    store.note_source("mlflow", False, "refused", NOW)
    store.note_source("clock", False, "ahead", NOW, 42.0)
    numbers = scraped(Exporter(store, 30.0))
    assert numbers["source_up", "mlflow"] == 0
    assert numbers["source_up", "findings"] == 1
    assert numbers["clock_skew_seconds",] == 42


def test_names_are_labels_whatever_is_in_them(store: Store):
    name = 'a"b\\c\nd'
    store.save(window(1, model=name), [finding(column=name)])
    assert scraped(Exporter(store, 30.0))["column_effect", "champion", name, name, "3"] == 0.02


def test_while_the_database_is_away_the_last_numbers_stand_and_age(
    cluster: Cluster, postgresql: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    store = Store(postgresql)
    store.prepare()
    store.save(window(1), [finding()])
    store.note_success("yield", NOW)
    exporter = Exporter(store, 30.0)
    assert scraped(exporter)["source_up", "findings"] == 1
    cluster.stop()
    try:
        numbers = scraped(exporter)
    finally:
        cluster.start()
    assert (numbers["source_up", "findings"], numbers["source_up", "journal"]) == (0, 0)
    assert numbers["last_success_timestamp_seconds", "yield"] == NOW.timestamp()
    assert scraped(exporter)["source_up", "findings"] == 1
    store.close()


def test_the_end_of_the_newest_window_with_truth_is_told(store: Store):
    for number, share in ((-1, 0.9), (0, 0.5), (1, 0.0)):
        store.save(window(number), [finding(kind="truth", column="share", value=share)])
    numbers = scraped(Exporter(store, 30.0))
    until = numbers["truth_window_timestamp_seconds", "champion", "yield", "3"]
    assert until == window(0).end.timestamp()
