"""What is asked of `make score`: versions by their names, and what cannot be, said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.support.scoring import ROWS, Scorer, answers, write_parquet
from tests.support.service import bundles


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


def test_violations_never_take_the_place_of_the_source(score: Scorer, tmp_path: Path) -> None:
    source = tmp_path / "o.violations.csv"
    pyarrow.csv.write_csv(pa.Table.from_pylist(ROWS[:3]), source)
    before = source.read_bytes()
    ended = score("quality-classification", source, tmp_path / "o.parquet")
    assert ended.code == 1 and "violations go to" in ended.err
    assert source.read_bytes() == before


def test_a_bundle_that_does_not_predict_its_golden_rows_scores_nothing(tmp_path: Path) -> None:
    bundles.write_bundle(tmp_path / "b", bundles.YIELD, linear=True)
    folder = tmp_path / "b/yield-prediction/1"
    golden = json.loads((folder / "golden.json").read_text("utf-8"))
    golden["predictions"] = [[0.0]] * len(golden["predictions"])
    bundles.rewrite(folder, "golden.json", json.dumps(golden).encode())
    table = write_parquet(tmp_path / "t.parquet", bundles.rows_for(bundles.YIELD, 3))
    ended = Scorer(tmp_path / "b")("yield-prediction", table, tmp_path / "o.csv")
    assert ended.code == 1 and "does not predict its own golden rows" in ended.err
