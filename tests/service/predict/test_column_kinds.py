"""A served model with a cyclic time and a category that takes others: one answer by every protocol, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from service.bundle.contract import Column, Contract, Output
from service.bundle.rows.encoder import Encoder
from tests.support.service import bundles
from tests.support.service.caller import Caller

SALES = Contract(
    "yield-prediction",
    "regression",
    (
        Column("price", "number", minimum=0, maximum=9, example=2.5),
        Column("sold", "timestamp", encode=("cyclic-hour", "weekday")),
        Column("shop", "category", categories=("north", "south"), unknown="other"),
    ),
    (Output("pieces"),),
)
ROWS = [
    {"price": 2.5, "sold": "2026-03-04T18:30:00Z", "shop": "south"},
    {"price": 2.5, "sold": "2026-03-04T23:59:00Z", "shop": "abroad"},
    {"price": 7.0, "sold": "2026-03-05T06:00:00+02:00", "shop": "(other)"},
]


class Sales:
    """The model served, and its pipeline in Python."""

    def __init__(self, root: Path, make_app: Callable[..., Any]):
        self.folder = root / "yield-prediction" / "1"
        self.pipeline = bundles.write_bundle(root, SALES, linear=True)
        self.app = make_app(BUNDLES=str(root))
        self.caller = Caller(self.app)
        self.expected = self.pipeline.predict(Encoder(SALES).encode_rows(ROWS)).tolist()


@pytest.fixture
def sales(tmp_path: Path, make_app: Callable[..., Any]) -> Iterator[Sales]:
    yield Sales(tmp_path / "bundles", make_app)


def v2_inputs() -> list[dict[str, Any]]:
    types = {"price": "FP64", "sold": "BYTES", "shop": "BYTES"}
    return [
        {"name": name, "shape": [3], "datatype": kind, "data": [row[name] for row in ROWS]}
        for name, kind in types.items()
    ]


def test_every_protocol_answers_as_the_pipeline(sales: Sales) -> None:
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    bodies = {
        "/v1/models/yield-prediction/predict": {"rows": ROWS},
        "/v1/models/yield-prediction:predict": {"instances": ROWS},
        "/v2/models/yield-prediction/infer": {"inputs": v2_inputs()},
        "/v1/models/yield-prediction/invocations": {"dataframe_records": ROWS},
    }
    answers = {path: sales.caller.post(path, body).json for path, body in bodies.items()}
    answers["columns"] = sales.caller.post(
        "/v1/models/yield-prediction/predict", {"columns": columns}
    ).json
    for path, answer in answers.items():
        numbers = answer["outputs"][0]["data"] if "v2" in path else answer["predictions"]
        assert numbers == pytest.approx(sales.expected, rel=1e-5), path


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mlflows_copy_answers_as_the_pipeline(sales: Sales) -> None:
    from training.registry.mlflow_code import ServedModel

    copy = ServedModel()
    copy.load_context(SimpleNamespace(artifacts={"model": str(sales.folder)}))
    answer = copy.predict(None, pd.DataFrame(ROWS))
    assert answer.tolist() == pytest.approx(sales.expected, rel=1e-5)


def test_others_are_counted_by_model_and_column(sales: Sales) -> None:
    def others() -> float:
        lines = sales.caller.get("/metrics").text.splitlines()
        counts = [line for line in lines if line.startswith("swarmline_other_values_total{")]
        of_shop = [line for line in counts if 'column="shop"' in line and 'arm="champion"' in line]
        return sum(float(line.rpartition(" ")[2]) for line in of_shop)

    before = others()
    sales.caller.predict("yield-prediction", *ROWS)
    assert others() - before == 2


def test_a_schema_and_a_refusal_of_two_thousand_categories_stay_short(
    tmp_path: Path, make_app: Callable[..., Any]
) -> None:
    names = tuple(f"shop {number:04}" for number in range(2_000))
    shop = Column("shop", "category", categories=names)
    contract = Contract("yield-prediction", "regression", (SALES.columns[0], shop), SALES.outputs)
    bundles.write_bundle(tmp_path / "bundles", contract, linear=True)
    caller = Caller(make_app(BUNDLES=str(tmp_path / "bundles")))
    refused = caller.predict("yield-prediction", {"price": 1.0, "shop": "shop 12345"})
    assert refused.status_code == 422 and len(refused.data) < 1_000
    assert "'shop 1234'" in refused.json["errors"][0]["allowed"]
    assert len(caller.get("/openapi.json").data) < 80_000
    assert caller.get("/v1/models/yield-prediction").json["description"]["columns"][1][
        "categories"
    ] == [*names]
