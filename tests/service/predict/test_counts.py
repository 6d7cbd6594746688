"""What Prometheus learns of predictions: how they ended, by model, version and arm; and which values are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import bundles
from tests.support.service.caller import Caller

SMALL, QUALITY = bundles.YIELD.example, bundles.QUALITY.example
LINE = re.compile(r"^swarmline_(model_requests|refused_values)_total\{(.*)\} (\S+)$", re.M)
#: The order in which the client writes labels is its own.
ORDER = ("model", "version", "arm", "column", "outcome", "reason")


def counts(app: Any) -> dict[tuple[str, ...], float]:
    """By labels; the tests of one process share the files."""
    text = Caller(app).get("/metrics").text
    samples = {}
    for _, labels, value in LINE.findall(text):
        pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        samples[tuple(pairs[name] for name in ORDER if name in pairs)] = float(value)
    return samples


@contextmanager
def counted(app: Any) -> Iterator[dict[tuple[str, ...], float]]:
    """What is counted meanwhile."""
    before, new = counts(app), dict[tuple[str, ...], float]()
    yield new
    after = counts(app)
    new |= {
        labels: times - before.get(labels, 0)
        for labels, times in after.items()
        if times != before.get(labels, 0)
    }


def test_each_prediction_counts_by_its_arm_and_how_it_ended(app: Any) -> None:
    caller, name = Caller(app), "quality-classification"
    with counted(app) as new:
        caller.predict(name, QUALITY)
        caller.predict(name, QUALITY, X_Arm="challenger")
        caller.post(f"/v1/models/{name}/invocations", {"dataframe_records": [QUALITY]})
        caller.predict(name, QUALITY | {"light": -1}, X_Arm="challenger")
        Caller(app, "nobody").predict(name, QUALITY)
        app.pipeline.state.worker.waiting = lambda: 513
        caller.predict(name, QUALITY)
    assert new == {
        (name, "1", "champion", "answered"): 2,
        (name, "2", "challenger", "answered"): 1,
        (name, "2", "challenger", "refused"): 1,
        (name, "", "", "refused"): 1,
        (name, "1", "champion", "failed"): 1,
        (name, "light", "range"): 1,
    }


def test_what_fails_inside_counts_as_failed_of_its_arm(app: Any) -> None:
    app.models.find("yield-prediction").champion.predict = lambda _matrix: 1 / 0
    with counted(app) as new:
        Caller(app).predict("yield-prediction", SMALL)
    assert new == {("yield-prediction", "1", "champion", "failed"): 1}


@pytest.mark.parametrize("challenger_fails", [False, True])
def test_predictions_in_shadow_count_for_the_challenger(
    make_app: Callable[..., Any], tmp_path: Path, challenger_fails: bool
) -> None:
    traffic = tmp_path / "traffic.toml"
    traffic.write_text('[quality-classification]\nmode = "shadow"\n')
    app = make_app(TRAFFIC=str(traffic))
    if challenger_fails:
        app.models.find("quality-classification").challenger.predict = lambda _matrix: 1 / 0
    with counted(app) as new:
        Caller(app).predict("quality-classification", QUALITY)
        app.models.shadows.close()
    outcome = "failed" if challenger_fails else "answered"
    assert new == {
        ("quality-classification", "1", "champion", "answered"): 1,
        ("quality-classification", "2", "challenger", outcome): 1,
    }


BAD = [
    {"crop": "opium", "light": 101, "temperature": "warm", "trays": 1.5, "sown": "never"},
    {"crop": 3, "light": None, "organic": "yes", "trays": 51},
]


@pytest.mark.parametrize("form", ["rows", "columns", "dataframe_split"])
def test_refused_values_count_by_column_and_reason_in_every_form(app: Any, form: str) -> None:
    rows = [QUALITY | row for row in BAD]
    columns = {name: [row[name] for row in rows] for name in QUALITY}
    bodies = {
        "rows": ("predict", {"rows": rows}),
        "columns": ("predict", {"columns": columns}),
        "dataframe_split": (
            "invocations",
            {
                "dataframe_split": {
                    "columns": list(QUALITY),
                    "data": [list(row.values()) for row in rows],
                }
            },
        ),
    }
    path, body = bodies[form]
    with counted(app) as new:
        assert (
            Caller(app).post(f"/v1/models/quality-classification/{path}", body).status_code == 422
        )
    assert {labels[1:]: times for labels, times in new.items() if len(labels) == 3} == {
        ("crop", "unknown"): 1,
        ("crop", "type"): 1,
        ("light", "range"): 1,
        ("light", "missing"): 1,
        ("temperature", "type"): 1,
        ("trays", "type"): 1,
        ("trays", "range"): 1,
        ("organic", "type"): 1,
        ("sown", "type"): 1,
    }


def test_cells_of_a_tensor_count_too(app: Any) -> None:
    tensor = {
        **{"name": "input", "datatype": "FP64", "shape": [2, 3]},
        "data": [20, -300, 4, 101, 21, 1.5],
    }
    with counted(app) as new:
        answer = Caller(app).post("/v2/models/yield-prediction/infer", {"inputs": [tensor]})
    assert answer.status_code == 422
    assert {labels[1:]: times for labels, times in new.items() if len(labels) == 3} == {
        ("light", "range"): 1,
        ("temperature", "range"): 1,
        ("trays", "type"): 1,
    }


def test_no_name_of_a_caller_becomes_a_label(app: Any) -> None:
    row = SMALL | {f'own"{number}\n': 1 for number in range(500)}
    with counted(app) as new:
        Caller(app).predict("yield-prediction", row)
        Caller(app).predict("yield-prediction", "no row")
    assert {labels[1:]: times for labels, times in new.items() if len(labels) == 3} == {
        ("", "unknown"): 500,
        ("", "type"): 1,
    }


def test_more_bad_values_than_are_told_are_counted(app: Any) -> None:
    rows = [SMALL | {"light": -1}] * 250
    with counted(app) as new:
        Caller(app).predict("yield-prediction", *rows)
    assert new[("yield-prediction", "light", "range")] == 250
