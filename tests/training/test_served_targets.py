"""A threshold with calibrated probabilities, and intervals: every protocol answers as the pipeline in Python does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd
import pytest

from service.app import create_app
from service.bundle.engines import Answer, predict_with
from service.process.state import State
from service.settings import read_settings
from tests.support.plants import ResultOf, SpecOf, plants
from tests.support.service import bundles
from tests.support.service.caller import Caller
from tests.support.service.server import key_lines
from tests.support.training import Workspace
from training.bundle.write import golden_rows, write_bundle
from training.judge.result import TrainingResult
from training.registry.mlflow_model import log_model

ROWS = 40


class Served(NamedTuple):
    """A model behind the service, rows for it, and what the pipeline in Python answers."""

    caller: Caller
    result: TrainingResult
    rows: list[dict[str, Any]]
    expected: Answer

    def answer(self, path: str, body: Any) -> Any:
        reply = self.caller.post(path, body)
        assert reply.status_code == 200, reply.text
        return reply.json


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    services = []

    def make(result: TrainingResult) -> Served:
        folder = tmp_path_factory.mktemp("served")
        result = result._replace(version="1")
        write_bundle(result, "a card", folder / "bundles" / "plants" / "1")
        bundles.name(folder / "bundles", "plants", champion="1")
        (folder / "keys").write_text(key_lines().splitlines()[2], encoding="utf-8")
        settings = {
            "BUNDLES": str(folder / "bundles"),
            "RELEASE": "r1",
            "KEYS_FILE": str(folder / "keys"),
            "JOURNAL_URL": f"sqlite:///{folder}/journal.db",
            "JOURNAL_SPOOL": str(folder / "spool"),
        }
        service = create_app(read_settings(settings), State())
        service.models.open_journal()
        services.append(service)
        held_out = result.dataset.split.held_out[:ROWS]
        names = list(result.dataset.contract.names)
        rows = result.dataset.frame.iloc[held_out][names].to_dict("records")
        expected = predict_with(result.fitted.finished.estimator, result.dataset.matrix[held_out])
        return Served(Caller(service), result, rows, expected)

    yield make
    for service in services:
        service.models.close()


@pytest.fixture(scope="module")
def classes(serve: Callable[..., Served], classes_of: SpecOf, result_of: ResultOf) -> Served:
    target = {"threshold": {"recall": 0.95}, "calibrate": "isotonic"}
    return serve(result_of(classes_of(target=target), plants(800)))


@pytest.fixture(scope="module")
def numbers(serve: Callable[..., Served], spec_of: SpecOf, result_of: ResultOf) -> Served:
    target = {"intervals": [0.1, 0.9], "transform": "yeo-johnson"}
    return serve(result_of(spec_of(target=target), plants(800)))


@pytest.fixture(params=["classes", "numbers"])
def served(request: pytest.FixtureRequest) -> Served:
    return request.getfixturevalue(request.param)


def values(served: Served) -> Any:
    """As a caller reads them: classes by name, or rows of numbers."""
    names = served.result.dataset.contract.classes
    if names:
        return [names[code] for code in served.expected.values]
    return pytest.approx(served.expected.values, rel=1e-3, abs=1e-3)


def shaped(served: Served, predictions: Any) -> Any:
    if served.result.dataset.contract.classes:
        return list(predictions)
    return np.asarray(predictions, dtype=float).reshape(-1, 3)


def test_the_native_protocol(served: Served) -> None:
    answer = served.answer("/v1/models/plants/predict", {"rows": served.rows})
    assert shaped(served, answer["predictions"]) == values(served)
    if served.expected.probabilities is None:
        assert answer["outputs"] == ["weight", "weight_q10", "weight_q90"]
    else:
        assert np.array(answer["probabilities"]) == pytest.approx(
            served.expected.probabilities, abs=1e-4
        )


def test_the_protocol_v2(served: Served) -> None:
    inputs = [
        {
            "name": name,
            "shape": [ROWS],
            "datatype": kind,
            "data": [row[name] for row in served.rows],
        }
        for name, kind in (
            ("kind", "BYTES"),
            ("light", "FP64"),
            ("leaves", "INT64"),
            ("watered", "BOOL"),
        )
    ]
    for tensor in inputs:
        if tensor["name"] == "leaves":
            tensor["data"] = [int(cell) for cell in tensor["data"]]
    output = served.answer("/v2/models/plants/infer", {"inputs": inputs})["outputs"][0]
    assert output["name"] == "predictions"
    assert output["shape"] == ([ROWS] if served.expected.probabilities is not None else [ROWS, 3])
    assert shaped(served, output["data"]) == values(served)


def test_mlflows_protocol(served: Served) -> None:
    answer = served.answer("/v1/models/plants/invocations", {"dataframe_records": served.rows})
    assert shaped(served, answer["predictions"]) == values(served)


@pytest.mark.slow
def test_mlflows_own_copy(served: Served, tmp_path: Path) -> None:
    with Workspace(tmp_path).client(), mlflow.start_run():
        uri = log_model(served.result, golden_rows(served.result))
        answer = mlflow.pyfunc.load_model(uri).predict(pd.DataFrame(served.rows))
    assert shaped(served, answer) == values(served)


def test_a_client_is_told_the_threshold(classes: Served) -> None:
    described = classes.caller.get("/v1/models/plants").json["description"]["threshold"]
    assert described["positive"] == "B"
    assert described["goal"] == "recall of at least 0.95"
    assert 0 < described["value"] < 0.5


def test_a_client_is_told_which_outputs_are_quantiles(numbers: Served) -> None:
    outputs = numbers.caller.get("/v1/models/plants").json["description"]["outputs"]
    assert [(output.get("of"), output.get("quantile")) for output in outputs] == [
        (None, None),
        ("weight", 0.1),
        ("weight", 0.9),
    ]


def test_the_truth_of_a_number_with_quantiles_is_a_number(numbers: Served) -> None:
    request = numbers.answer("/v1/models/plants/predict", {"rows": numbers.rows[:1]})["request_id"]
    entry = {"request_id": request, "row": 0}
    refused = numbers.caller.post(
        "/v1/models/plants/truth", {**entry, "value": {"weight": 2.0, "weight_q10": 1.0}}
    )
    assert refused.status_code == 422
    assert "a finite number" in refused.text
    assert numbers.caller.post("/v1/models/plants/truth", {**entry, "value": 2}).status_code == 200
