"""Tables as they come: types that a contract does not have, several files, columns that lack or stand twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.support.scoring import ROWS, Scorer, answers, write_parquet


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
