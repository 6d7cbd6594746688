from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitoring.findings import Store
from monitoring.references import TrackingServer
from monitoring.references import tracking_server as server_module
from monitoring.tracking.mlflow_runs import MlflowRuns, document, metrics
from monitoring.tracking.sender import Sender
from tests.support.monitoring import finding, record
from tests.support.training import tracking_server

FINDINGS = [
    finding(value=0.3),
    finding(column="humidity", value=0.5),
    finding(kind="share", column="", value=0.25),
    finding(kind="relation", column="", value=0.55),
    finding(kind="missing", value=0.01),
    finding(kind="estimate", column="r2", value=0.9, bound=None),
    finding(kind="estimate", column="mae", value=0.2, bound=0.3),
    finding(kind="quality", column="mae", value=0.25, bound=0.3),
    finding(kind="truth", column="share", value=0.6),
    finding(kind="truth", column="delay", value=30.0),
    finding(kind="trust", column="mae", value=-4.0),
]


@pytest.fixture(scope="module")
def mlflow_uri() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="mlflow-") as name:
        with tracking_server(Path(name)) as (uri, _):
            yield uri


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/monitor.db")
    store.prepare()
    yield store
    store.close()


class Place:
    """A sender to an address, and what it noted."""

    def __init__(self, store: Store, uri: str):
        self.notes: list[tuple[bool, str]] = []
        self.server = TrackingServer(uri)
        runs = MlflowRuns(uri, self.server)
        self.sender = Sender(
            "mlflow", store, runs.send, lambda up, why: self.notes.append((up, why))
        )


def test_a_window_of_any_model_has_ten_keys_at_most():
    many = FINDINGS + [finding(column=f"column {number}") for number in range(300)]
    points = dict(metrics(record(), many))
    assert set(points) == {
        *("rows", "worst_effect", "drifted_share", "worst_missing", "relation", "estimate"),
        *("quality", "truth_share", "truth_delay_seconds", "trust_gap"),
    }
    assert (points["worst_effect"], points["estimate"], points["trust_gap"]) == (0.5, 0.2, -4.0)


def test_the_document_has_every_column_and_no_rows_or_pictures():
    shown = document(record(), [finding(details={"rows": [{"light": 1}]})])
    assert shown["findings"][0]["column"] == "temperature" and "details" not in shown["findings"][0]


@pytest.mark.slow
def test_a_run_a_version_has_curves_over_time_and_a_document_a_window(
    store: Store, mlflow_uri: str
):
    from mlflow import MlflowClient

    for number in range(3):
        store.save(record(number), [finding(value=number / 10)])
    store.save(record(3, version="4"), FINDINGS)
    place = Place(store, mlflow_uri)
    assert place.sender.send_some() == 4 and place.notes == [(True, "")]
    assert store.unsent("mlflow") == []
    client = MlflowClient(mlflow_uri)
    experiment: Any = client.get_experiment_by_name("monitoring")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.run_name for run in runs} == {"yield 3", "yield 4"}
    (run,) = [run for run in runs if run.info.run_name == "yield 3"]
    curve = client.get_metric_history(run.info.run_id, "worst_effect")
    assert [point.value for point in curve] == [0.0, 0.1, 0.2]
    assert [point.timestamp for point in curve] == [
        int(record(n).end.timestamp() * 1000) for n in range(3)
    ]
    assert len(client.list_artifacts(run.info.run_id, "windows/champion")) == 3


@pytest.mark.slow
def test_another_process_goes_on_in_the_same_run_and_a_window_judged_again_is_sent_again(
    store: Store, mlflow_uri: str
):
    from mlflow import MlflowClient

    name = "again"
    store.save(record(model=name), [finding(value=0.1)])
    assert Place(store, mlflow_uri).sender.send_some() == 1
    store.save(record(model=name, judged_at=record(9).judged_at), [finding(value=0.2)])
    assert Place(store, mlflow_uri).sender.send_some() == 1
    client = MlflowClient(mlflow_uri)
    experiment: Any = client.get_experiment_by_name("monitoring")
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`swarmline.model` = '{name}'")
    points = client.get_metric_history(run.info.run_id, "worst_effect")
    assert sorted(point.value for point in points) == [0.1, 0.2]


@pytest.mark.slow
def test_an_mlflow_that_is_away_is_said_and_has_everything_once_it_is_back(
    store: Store, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
):
    store.save(record(model="away"), FINDINGS)
    place = Place(store, "http://127.0.0.1:9")
    assert place.sender.send_some() == 0
    (up, why), *_ = place.notes
    assert not up and "does not answer" in why
    monkeypatch.setattr(server_module, "PAUSE_SECONDS", 0.0)
    place.server._uri = mlflow_uri
    assert place.sender.send_some() == 1
    assert place.notes[-1] == (True, "") and store.unsent("mlflow") == []


def test_a_name_that_mlflow_cannot_have_holds_up_no_other(store: Store):
    store.save(record(model="' OR ''='"), [finding()])
    place = Place(store, "http://127.0.0.1:9")
    assert place.sender.send_some() == 1
    assert store.unsent("mlflow") == []


@pytest.mark.slow
def test_a_window_that_mlflow_refuses_holds_up_no_other(
    store: Store, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
):
    from monitoring.tracking import mlflow_runs

    usual = mlflow_runs.metrics

    def with_a_key_too_long(window: Any, findings: Any) -> Iterator[tuple[str, float]]:
        yield from usual(window, findings)
        if window.start == record(0).start:
            yield "k" * 300, 1.0

    monkeypatch.setattr(mlflow_runs, "metrics", with_a_key_too_long)
    for number in range(2):
        store.save(record(number, model="refused"), [finding()])
    place = Place(store, mlflow_uri)
    assert place.sender.send_some() == 1
    (up, why), *_ = place.notes
    assert up and "refused" in why
    assert store.unsent("mlflow") == []


@pytest.mark.slow
def test_a_run_that_was_deleted_is_made_anew(store: Store, mlflow_uri: str):
    from mlflow import MlflowClient

    store.save(record(model="deleted"), [finding(value=0.1)])
    place = Place(store, mlflow_uri)
    assert place.sender.send_some() == 1
    client = MlflowClient(mlflow_uri)
    experiment: Any = client.get_experiment_by_name("monitoring")
    condition = "tags.`swarmline.model` = 'deleted'"
    (run,) = client.search_runs([experiment.experiment_id], condition)
    client.delete_run(run.info.run_id)
    store.save(record(1, model="deleted"), [finding(value=0.2)])
    assert place.sender.send_some() == 1
    (anew,) = client.search_runs([experiment.experiment_id], condition)
    assert anew.info.run_id != run.info.run_id
