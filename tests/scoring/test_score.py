"""A table scored: each row as the service answers it, each refused value in a file beside it, whole or not at all."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bundle.contract import Column, Contract, Output
from service.bundle.rows.encoder import Encoder
from tests.support.scoring import ROWS, Scorer, answers, write_parquet
from tests.support.service import bundles
from tests.support.service.caller import Caller


def service_answers(service: Caller, model: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = service.predict(model, *rows).get_json()
    return document


@pytest.mark.parametrize("out", ["scored.parquet", "scored.csv"])
def test_each_row_gets_what_the_service_answers(
    score: Scorer, service: Caller, tmp_path: Path, out: str
) -> None:
    table = write_parquet(tmp_path / "orders.parquet", ROWS)
    ended = score("quality-classification", table, tmp_path / out)
    assert ended.code == 0, ended.err
    rows = [{name: row[name] for name in bundles.QUALITY.names} for row in ROWS]
    served = service_answers(service, "quality-classification", rows)
    scored = answers(tmp_path / out)
    assert [row["prediction"] for row in scored] == served["predictions"]
    odds = [[row[f"probability_{name}"] for name in bundles.QUALITY.classes] for row in scored]
    np.testing.assert_array_equal(np.float32(odds), np.float32(served["probabilities"]))
    assert [row["row"] for row in scored] == list(range(500))
    assert {(row["model"], str(row["version"])) for row in scored} == {
        ("quality-classification", "3")
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders.parquet", out]


def test_several_outputs_are_a_column_each(score: Scorer, service: Caller, tmp_path: Path) -> None:
    rows = bundles.rows_for(bundles.RECIPE, 20)
    ended = score(
        "recipe-optimization", write_parquet(tmp_path / "t.parquet", rows), tmp_path / "o.parquet"
    )
    assert ended.code == 0, ended.err
    served = service_answers(service, "recipe-optimization", rows)
    names = ["prediction_light", "prediction_ec", "prediction_temperature"]
    scored = [[row[name] for name in names] for row in answers(tmp_path / "o.parquet")]
    np.testing.assert_array_equal(np.float32(scored), np.float32(served["predictions"]))


def test_every_refused_value_is_named_and_leaves_all_other_rows_alone(
    score: Scorer, service: Caller, tmp_path: Path
) -> None:
    rows = [dict(row) for row in ROWS]
    for number in range(0, 500, 2):
        rows[number] |= {"crop": "spinach", "light": 101.0}
    rows[7]["light"] = None
    ended = score(
        *(
            "quality-classification",
            write_parquet(tmp_path / "t.parquet", rows),
            tmp_path / "o.parquet",
        ),
        *("--id", "order", "--json"),
    )
    assert ended.code == 0, ended.err
    summary = ended.document
    assert (summary["rows"], summary["refused"], summary["violations"]) == (500, 251, 501)
    with open(summary["violations_in"], encoding="utf-8", newline="") as file:
        violations = list(csv.DictReader(file))
    assert len(violations) == 501
    problem = service_answers(
        service, "quality-classification", [{name: rows[0][name] for name in bundles.QUALITY.names}]
    )
    refused = [(one["row"], one["column"], one["given"], one["allowed"]) for one in violations[:2]]
    assert refused == [
        ("0", error["column"], str(error["given"]), error["allowed"]) for error in problem["errors"]
    ]
    assert (violations[0]["order"], violations[0]["reason"]) == ("1000", "range")
    missing = next(one for one in violations if one["row"] == "7")
    assert (missing["given"], missing["reason"]) == ("", "missing")
    scored = answers(tmp_path / "o.parquet")
    assert [row["order"] for row in scored] == [row["order"] for row in ROWS]
    assert [row["prediction"] is None for row in scored] == [
        n % 2 == 0 or n == 7 for n in range(500)
    ]


def test_a_table_that_is_refused_whole_ends_with_a_code_of_its_own(
    score: Scorer, tmp_path: Path
) -> None:
    rows = [{**row, "crop": "spinach"} for row in ROWS[:5]]
    ended = score(
        "quality-classification", write_parquet(tmp_path / "t.parquet", rows), tmp_path / "o.csv"
    )
    assert ended.code == 2 and "refuses each row" in ended.err


def test_a_value_that_a_spreadsheet_would_run_is_a_text(score: Scorer, tmp_path: Path) -> None:
    given = ["=1+1", "@cmd", "-2+3", "+x", "-5", "=", " =1", "basil"]
    rows = [{**row, "crop": crop} for row, crop in zip(ROWS, given, strict=False)]
    table = write_parquet(tmp_path / "t.parquet", rows)
    assert score("quality-classification", table, tmp_path / "o.csv").code == 0
    with open(tmp_path / "o.violations.csv", encoding="utf-8", newline="") as file:
        shown = [one["given"] for one in csv.DictReader(file)]
    assert shown == ["'=1+1", "'@cmd", "'-2+3", "'+x", "-5", "'=", "' =1"]


@pytest.mark.parametrize("out", ["o.parquet", "sqlite"])
def test_values_of_no_category_are_answered_where_they_may_be_and_counted(
    tmp_path: Path, out: str
) -> None:
    shop = Column("shop", "category", categories=("north", "south"), unknown="other")
    sold = Column("sold", "timestamp", encode=("cyclic-hour", "weekday"))
    columns = (Column("price", "number", minimum=0, maximum=9), sold, shop)
    sales = Contract("yield-prediction", "regression", columns, (Output("pieces"),))
    pipeline = bundles.write_bundle(tmp_path / "b", sales, linear=True)
    rows = bundles.rows_for(sales, 50)
    for row in rows[::5]:
        row["shop"] = "abroad"
    # Of a row that is refused nothing is answered.
    rows[0]["price"] = 10.0
    table = write_parquet(tmp_path / "t.parquet", rows)
    place = f"sqlite:///{tmp_path / 'o.sqlite'}" if out == "sqlite" else str(tmp_path / out)
    words = ("yield-prediction", table, place, *(("--table", "scored") if out == "sqlite" else ()))
    ended = Scorer(tmp_path / "b")(*words, "--json")
    assert ended.code == 0, ended.err
    assert (ended.document["refused"], ended.document["others"]) == (1, {"shop": 9})
    if out == "o.parquet":
        scored = [row["prediction"] for row in answers(tmp_path / out)]
        expected = pipeline.predict(Encoder(sales).encode_rows(rows[1:]))
        assert scored[1:] == pytest.approx(expected.ravel().tolist(), rel=1e-4)
        assert "9 values of shop are none of its categories" in Scorer(tmp_path / "b")(*words).err


def test_a_text_that_is_refused_stands_beside_the_nearest_of_many_categories(
    tmp_path: Path,
) -> None:
    names = tuple(f"plant {number:03}" for number in range(100))
    light = Column("light", "number", minimum=0, maximum=9)
    columns = (light, Column("kind", "category", categories=names))
    grown = Contract("yield-prediction", "regression", columns, (Output("kg"),))
    bundles.write_bundle(tmp_path / "b", grown, linear=True)
    rows = [{"light": 1.0, "kind": "plant 07"}, {"light": 1.0, "kind": names[0]}]
    table = write_parquet(tmp_path / "t.parquet", rows)
    ended = Scorer(tmp_path / "b")("yield-prediction", table, tmp_path / "o.parquet", "--json")
    with open(ended.document["violations_in"], encoding="utf-8", newline="") as file:
        (violation,) = csv.DictReader(file)
    assert "one of 100 categories; the nearest are 'plant 0" in violation["allowed"]
