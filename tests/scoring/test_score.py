"""A table scored: each row as the service answers it, each refused value in a file beside it, whole or not at all."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from service.app import create_app
from service.bundle.contract import Column, Contract, Output
from service.bundle.rows.encoder import Encoder
from service.process.state import State
from service.settings import read_settings
from tests.support.scoring import Scorer, answers, numbered, write_parquet
from tests.support.service import bundles
from tests.support.service.caller import Caller

ROWS = numbered(bundles.QUALITY, 500)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    bundles.write_bundle(folder, bundles.QUALITY, version="3", linear=True)
    bundles.write_bundle(
        folder, bundles.QUALITY, version="4", arm="challenger", linear=True, seed=1
    )
    bundles.write_bundle(folder, bundles.RECIPE, linear=True)
    return folder


@pytest.fixture
def score(root: Path) -> Scorer:
    return Scorer(root)


@pytest.fixture
def service(root: Path, tmp_path: Path) -> Caller:
    settings = {"BUNDLES": str(root), "AUTH": "off", "JOURNAL": "off"}
    return Caller(create_app(read_settings(settings), State()))


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


def test_types_that_a_table_has_and_a_contract_does_not_are_read(
    score: Scorer, tmp_path: Path
) -> None:
    """Numbers as text and decimals, truth as 0 and 1, times as times, categories as a dictionary."""
    plain = write_parquet(tmp_path / "plain.parquet", ROWS)
    table = pa.Table.from_pylist(ROWS)
    for name, values in {
        "light": table["light"].cast(pa.string()),
        "temperature": table["temperature"].cast(pa.decimal128(8, 3)),
        "trays": table["trays"].cast(pa.float64()),
        "organic": table["organic"].cast(pa.int8()),
        "sown": table["sown"].cast(pa.timestamp("ns")).cast(pa.timestamp("ns", "UTC")),
        "crop": table["crop"].dictionary_encode(),
    }.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    pyarrow.parquet.write_table(table, tmp_path / "other.parquet")
    for name in ("plain", "other"):
        ended = score(
            "quality-classification",
            tmp_path / f"{name}.parquet",
            tmp_path / f"{name}.scored.parquet",
        )
        assert ended.code == 0 and "refused" not in ended.err, ended.err
    assert answers(tmp_path / "plain.scored.parquet") == answers(tmp_path / "other.scored.parquet")
    assert plain.is_file()


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1], [2], None]),
        pa.array([{"mol": 1.0}, None, {"mol": 2.0}]),
        pa.array([2**61] * 3, pa.timestamp("us")),
        pa.array([b"\xff", b"1", None]),
    ],
)
def test_what_is_no_value_at_all_is_refused_as_any_other(
    score: Scorer, tmp_path: Path, values: pa.Array
) -> None:
    table = pa.Table.from_pylist(ROWS[:3])
    for name in ("light", "organic", "sown"):
        table = table.set_column(table.schema.get_field_index(name), name, values)
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    ended = score(
        "quality-classification", tmp_path / "t.parquet", tmp_path / "o.parquet", "--json"
    )
    assert ended.code == 2 and ended.document["refused"] == 3, ended.err


def test_half_floats_are_numbers_and_truth(score: Scorer, tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS[:3])
    halves = pa.array(np.array([1, 0, 1], np.float16))
    for name in ("light", "organic"):
        table = table.set_column(table.schema.get_field_index(name), name, halves)
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    ended = score("quality-classification", tmp_path / "t.parquet", tmp_path / "o.parquet")
    assert ended.code == 0 and "refused" not in ended.err, ended.err


def test_a_column_that_stands_twice_is_refused(score: Scorer, tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS[:3])
    table = table.append_column("light", table["light"])
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    ended = score("quality-classification", tmp_path / "t.parquet", tmp_path / "o.parquet")
    assert ended.code == 1 and "has more than one column called light" in ended.err


def test_a_value_that_a_spreadsheet_would_run_is_a_text(score: Scorer, tmp_path: Path) -> None:
    given = ["=1+1", "@cmd", "-2+3", "+x", "-5", "=", " =1", "basil"]
    rows = [{**row, "crop": crop} for row, crop in zip(ROWS, given, strict=False)]
    table = write_parquet(tmp_path / "t.parquet", rows)
    assert score("quality-classification", table, tmp_path / "o.csv").code == 0
    with open(tmp_path / "o.violations.csv", encoding="utf-8", newline="") as file:
        shown = [one["given"] for one in csv.DictReader(file)]
    assert shown == ["'=1+1", "'@cmd", "'-2+3", "'+x", "-5", "'=", "' =1"]


def test_violations_never_take_the_place_of_the_source(score: Scorer, tmp_path: Path) -> None:
    source = tmp_path / "o.violations.csv"
    pyarrow.csv.write_csv(pa.Table.from_pylist(ROWS[:3]), source)
    before = source.read_bytes()
    ended = score("quality-classification", source, tmp_path / "o.parquet")
    assert ended.code == 1 and "violations go to" in ended.err
    assert source.read_bytes() == before


def test_the_files_of_a_glob_are_scored_in_the_order_of_their_names(
    score: Scorer, tmp_path: Path
) -> None:
    write_parquet(tmp_path / "b.parquet", ROWS[300:])
    write_parquet(tmp_path / "a.parquet", ROWS[:300])
    ended = score(
        "quality-classification",
        tmp_path / "[ab].parquet",
        tmp_path / "o.parquet",
        "--part-rows",
        70,
    )
    assert ended.code == 0, ended.err
    scored = answers(tmp_path / "o.parquet")
    assert [(Path(row["file"]).name, row["row"]) for row in scored] == [
        *(("a.parquet", row) for row in range(300)),
        *(("b.parquet", row) for row in range(200)),
    ]


@pytest.mark.parametrize(
    ("version", "number"), [("champion", "3"), ("challenger", "4"), ("4", "4")]
)
def test_a_version_is_named_by_alias_or_number(
    score: Scorer, tmp_path: Path, version: str, number: str
) -> None:
    table = write_parquet(tmp_path / "t.parquet", ROWS[:5])
    ended = score(
        MODEL="quality-classification",
        SOURCE=str(table),
        OUT=str(tmp_path / "o.csv"),
        VERSION=version,
    )
    assert ended.code == 0, ended.err
    assert {str(row["version"]) for row in answers(tmp_path / "o.csv")} == {number}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"MODEL": "x; y"}, "MODEL is 'x; y'; allowed is a name"),
        (
            {"MODEL": "rain"},
            "has no such model; exported are quality-classification, recipe-optimization",
        ),
        ({"VERSION": "9"}, "has 3 (champion), 4 (challenger); `make promote`"),
        ({"SOURCE": ""}, "SOURCE is missing: SOURCE="),
        ({"SOURCE": "gone.parquet"}, "gone.parquet: no such file in"),
        ({"SOURCE": __file__}, "given a file ending in '.py'; allowed:"),
        (
            {"OUT": "o.xlsx"},
            "given a file ending in '.xlsx'; allowed: .parquet, .csv, or a database",
        ),
        ({"ID": "ordr"}, "ID=ordr: "),
        ({"ID": "version"}, "ID=version: "),
        ({"ID": "given"}, "ID=given: the output has a column of that name already"),
        ({"ID": "tags"}, "ID=tags: is of list<element: int64>; allowed is"),
        ({"ARGS": f"--table {'x' * 60}"}, "TABLE is 'xxx"),
        ({"ARGS": "--part-rows 0"}, "--part-rows is 0; allowed is"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    score: Scorer, tmp_path: Path, values: dict[str, str], words: str
) -> None:
    rows = [{**row, "version": 1, "given": 2, "tags": [3]} for row in ROWS[:5]]
    asked = {
        "MODEL": "quality-classification",
        "SOURCE": str(write_parquet(tmp_path / "t.parquet", rows)),
        "OUT": str(tmp_path / "o.parquet"),
    }
    line = values.pop("ARGS", "").split()
    ended = score(*line, **{**asked, **values})
    assert ended.code == 1 and ended.err.startswith("error: ") and words in ended.err
    assert not (tmp_path / "o.parquet").exists()


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


def test_a_column_that_is_needed_and_missing_is_said_before_anything_is_scored(
    score: Scorer, tmp_path: Path
) -> None:
    rows = [
        {name: row[name] for name in row if name not in ("crop", "temperature")} for row in ROWS
    ]
    ended = score(
        "quality-classification",
        write_parquet(tmp_path / "t.parquet", rows),
        tmp_path / "o.parquet",
    )
    assert (
        ended.code == 1
        and "has no column crop, which quality-classification, version 3, needs" in ended.err
    )
    rows = [{name: row[name] for name in row if name != "temperature"} for row in ROWS]
    ended = score(
        "quality-classification",
        write_parquet(tmp_path / "t.parquet", rows),
        tmp_path / "o.parquet",
    )
    assert ended.code == 0 and "has no column temperature: taken as null" in ended.err


def test_a_bundle_that_does_not_predict_its_golden_rows_scores_nothing(tmp_path: Path) -> None:
    bundles.write_bundle(tmp_path / "b", bundles.YIELD, linear=True)
    folder = tmp_path / "b/yield-prediction/1"
    golden = json.loads((folder / "golden.json").read_text("utf-8"))
    golden["predictions"] = [[0.0]] * len(golden["predictions"])
    bundles.rewrite(folder, "golden.json", json.dumps(golden).encode())
    table = write_parquet(tmp_path / "t.parquet", bundles.rows_for(bundles.YIELD, 3))
    ended = Scorer(tmp_path / "b")("yield-prediction", table, tmp_path / "o.csv")
    assert ended.code == 1 and "does not predict its own golden rows" in ended.err
