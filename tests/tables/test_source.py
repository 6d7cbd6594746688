"""Tables: what can be read from files and databases, and what is refused with which words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from tables.errors import TableError
from tables.source import read_table

ROWS = pd.DataFrame(
    {"kind": ["herb", "tree", "herb"], "light": [1.5, 2.5, 3.5], "leaves": [4, 5, 6]}
)


def read(source: object, query: str = "") -> pd.DataFrame:
    return read_table(str(source), query, ["kind"])


def test_a_glob_reads_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, rows in (("b", ROWS[2:]), ("a", ROWS[:2])):
        rows.to_parquet(tmp_path / f"{name}.parquet")
    assert read(tmp_path / "*.parquet")["leaves"].tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; a header and rows are needed"),
        (b"kind,light\nherb,1\ntree", "the last line has 1 fields of 2; the file looks truncated"),
        (
            b"kind,light\nherb,1\ntree,2,3,4\nherb,1\n",
            "cannot be read: .*Expected 2 fields in line 3, saw 4",
        ),
        ("kind,light\nbäume,1\n".encode("latin-1"), "is not UTF-8 at byte .*; save it as UTF-8"),
    ],
)
def test_a_csv_that_is_broken_is_named_with_the_reason(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(TableError, match=message) as refused:
        read(tmp_path / "rows.csv")
    assert "rows.csv" in str(refused.value)


def test_a_parquet_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    ROWS.to_parquet(tmp_path / "rows.parquet")
    whole = (tmp_path / "rows.parquet").read_bytes()
    (tmp_path / "rows.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match=r"rows\.parquet: cannot be read"):
        read(tmp_path / "rows.parquet")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(TableError, match="nowhere.csv: no such file in"):
        read("nowhere.csv")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.xlsx").write_bytes(b"PK")
    with pytest.raises(
        TableError, match=r"given a file ending in '\.xlsx'; allowed: \.csv, \.parquet"
    ):
        read(tmp_path / "rows.xlsx")


def test_sql_that_fails_is_named_without_the_password() -> None:
    url = "postgresql+psycopg://me:secret@127.0.0.1:1/farm"
    with pytest.raises(TableError, match=r"me:\*\*\*@127") as refused:
        read(url, query="select 1")
    assert "secret" not in str(refused.value)


def test_sql_takes_its_address_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        ROWS.to_sql("plants", connection, index=False)
    connection.close()
    with pytest.raises(TableError, match="the environment variable FARM is not set"):
        read("sqlite:///${FARM}", query="select * from plants")
    monkeypatch.setenv("FARM", str(tmp_path / "rows.db"))
    assert len(read("sqlite:///${FARM}", query="select * from plants")) == 3
