"""Tables as CSV: the same answers as from Parquet, whatever its signs are."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.support.scoring import Scorer, answers, numbered, write_parquet
from tests.support.service import bundles

ROWS = numbered(bundles.QUALITY, 300)
MODEL = "quality-classification"


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("bundles")
    bundles.write_bundle(folder, bundles.QUALITY, linear=True)
    return Scorer(folder)


def write_csv(
    path: Path, rows: list[dict[str, object]], separator: str = ",", decimal: str = "."
) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=separator)
        writer.writeheader()
        for row in rows:
            texts = {name: "" if value is None else str(value) for name, value in row.items()}
            numbers = [name for name, value in row.items() if isinstance(value, float)]
            writer.writerow(texts | {name: texts[name].replace(".", decimal) for name in numbers})
    return path


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ",")])
def test_a_csv_file_gives_what_parquet_does(
    score: Scorer, tmp_path: Path, separator: str, decimal: str
) -> None:
    rows = [
        {**row, "temperature": None} if number % 7 == 0 else row for number, row in enumerate(ROWS)
    ]
    given = write_csv(tmp_path / "t.csv", rows, separator, decimal)
    words = ["--separator", separator, "--decimal", decimal, "--part-rows", 90]
    ended = score(MODEL, given, tmp_path / "a.parquet", *words)
    assert ended.code == 0 and "refused" not in ended.err, ended.err
    ended = score(MODEL, write_parquet(tmp_path / "t.parquet", rows), tmp_path / "b.parquet")
    assert answers(tmp_path / "a.parquet") == answers(tmp_path / "b.parquet")


def test_what_is_refused_of_a_csv_file_is_named_as_it_stands_there(
    score: Scorer, tmp_path: Path
) -> None:
    rows = [dict(row) for row in ROWS[:4]]
    rows[1] |= {"light": "warm", "organic": "maybe"}
    rows[3] |= {"trays": 2.5}
    ended = score(MODEL, write_csv(tmp_path / "t.csv", rows), tmp_path / "o.csv")
    assert ended.code == 0
    with open(tmp_path / "o.violations.csv", encoding="utf-8", newline="") as file:
        refused = [
            (one["row"], one["column"], one["given"], one["reason"]) for one in csv.DictReader(file)
        ]
    assert refused == [
        ("1", "light", "warm", "type"),
        ("1", "organic", "maybe", "type"),
        ("3", "trays", "2.5", "type"),
    ]


def test_an_identifier_is_copied_as_text_as_it_is_written(score: Scorer, tmp_path: Path) -> None:
    rows = [{**row, "order": f"00{number}"} for number, row in enumerate(ROWS[:3])]
    ended = score(
        MODEL, write_csv(tmp_path / "t.csv", rows), tmp_path / "o.parquet", "--id", "order"
    )
    assert ended.code == 0
    assert [row["order"] for row in answers(tmp_path / "o.parquet")] == ["000", "001", "002"]


def test_a_format_that_cannot_be_is_refused(score: Scorer, tmp_path: Path) -> None:
    given = write_csv(tmp_path / "t.csv", ROWS[:3])
    ended = score(MODEL, given, tmp_path / "o.csv", "--decimal", ";")
    assert ended.code == 1 and "--decimal: given ';'; allowed: '.' or ','" in ended.err


def test_an_output_that_is_one_of_the_sources_is_refused(score: Scorer, tmp_path: Path) -> None:
    given = write_csv(tmp_path / "t.csv", ROWS[:3])
    before = given.read_bytes()
    ended = score(MODEL, tmp_path / "*.csv", given)
    assert ended.code == 1 and "is one of the files of SOURCE" in ended.err
    assert given.read_bytes() == before
