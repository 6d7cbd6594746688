"""Tables: which files and databases can be read, and which not, with which words."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from outside.address import public, public_text
from tables.csv_format import CsvFormat
from tables.errors import TableError
from tables.frame import read_table
from tables.kinds import Kind
from tables.source import open_table

ROWS = pd.DataFrame(
    {"kind": ["herb", "tree", "herb"], "light": [1.5, 2.5, 3.5], "leaves": [4, 5, 6]}
)
KINDS: dict[str, Kind] = {"kind": "text", "light": "number", "leaves": "stored"}


def read(source: object, query: str = "", **form: Any) -> pd.DataFrame:
    return read_table(str(source), KINDS, CsvFormat(**form), query)


def test_a_glob_reads_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, rows in (("b", ROWS[2:]), ("a", ROWS[:2])):
        rows.to_parquet(tmp_path / f"{name}.parquet")
    assert read(tmp_path / "*.parquet")["leaves"].tolist() == [4, 5, 6]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "plants [2026].csv", index=False)
    assert len(read(tmp_path / "plants [2026].csv")) == 3


def test_a_column_is_null_in_the_rows_of_a_file_that_lacks_it(tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "a.csv", index=False)
    ROWS.drop(columns="light").to_parquet(tmp_path / "b.parquet")
    assert read(tmp_path / "[ab].*")["light"].isna().tolist() == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"rows\.csv: is empty; a header and rows are needed"),
        (b"\n\n", r"rows\.csv: is empty; a header and rows are needed"),
        (
            b"kind,light\nherb,1\ntree",
            r"rows\.csv: line 3: has 1 fields, the header 2; the file looks cut off",
        ),
        (
            b"kind,light\nherb,1\ntree,2,3,4\nherb,1\n",
            r"rows\.csv: line 3: has 4 fields, the header 2$",
        ),
        (
            b'kind,light\n"a\nb",1\nherb\ntree,2\n',
            r"rows\.csv: line 4: has 1 fields, the header 2$",
        ),
        (
            "kind,light\nherb,1\nbäume,1\n".encode("latin-1"),
            r"rows\.csv: line 3: byte 0xe4 at column 2 is not UTF-8; say .* encoding = 'latin-1'",
        ),
        ("bäume,light\nherb,1\n".encode("latin-1"), r"rows\.csv: line 1: byte 0xe4 at column 2"),
        (
            b'kind,light\nherb,1\n"tree,2\nherb,1\n',
            r"rows\.csv: line 3: a quote is opened here and never closed",
        ),
        (
            b'kind,light,leaves\n"herb,1,2\ntree,2",3\nherb,1,2\n',
            r"rows\.csv: line 2: has 2 fields, the header 3; a quote .* is closed in line 3 only",
        ),
        (
            b'light,kind\n1,herb\n2,"tree\n3,herb\n',
            r"rows\.csv: line 3: a quote is opened here and never closed",
        ),
        (
            b'kind,light\n"herb,1\ntree,2\n"herb",1\n',
            r"rows\.csv: line 2: ',' expected after '\"'",
        ),
        (
            b'kind,light\nherb,1\n"' + b"tree,2\n" * 700_000,
            r"rows\.csv: line 3: a quote is opened here and not closed within 4 MB",
        ),
    ],
)
def test_a_csv_that_is_broken_is_named_with_its_line_and_the_reason(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(TableError, match=message):
        read(tmp_path / "rows.csv")


def test_a_quote_within_a_value_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('kind,light\n5" pipe,1\ntree,2\n')
    assert read(tmp_path / "rows.csv")["kind"].tolist() == ['5" pipe', "tree"]


def test_columns_without_a_name_or_with_one_that_stands_twice_are_told_apart(
    tmp_path: Path,
) -> None:
    (tmp_path / "t.csv").write_text(",a,a,a.1,a\n0,1,2,3,4\n", encoding="utf-8")
    frame = read_table(str(tmp_path / "t.csv"), {}, others=True)
    row = {"Unnamed: 0": 0, "a": 1, "a.1": 2, "a.1.1": 3, "a.2": 4}
    assert frame.iloc[0].to_dict() == row


def test_what_excel_says_of_its_separator_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("sep=;\nkind;light\nherb;1\n")
    assert read(tmp_path / "rows.csv", separator=";")["light"].tolist() == [1.0]


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
    with pytest.raises(TableError, match=r"given a file ending in '\.xlsx'; allowed: \.csv, "):
        read(tmp_path / "rows.xlsx")


def test_a_column_keeps_its_type_though_it_is_empty_in_one_batch_and_whole_in_the_next(
    tmp_path: Path,
) -> None:
    for name, light in (("a", [None, None]), ("b", [1, 2]), ("c", [1.5, None])):
        pd.DataFrame({"kind": "herb", "light": light}).to_parquet(tmp_path / f"{name}.parquet")
    with open_table(str(tmp_path / "*.parquet")) as table:
        batches = list(table.batches({"light": "number"}))
    assert {batch.column("light").type for batch in batches} == {pa.float64()}
    assert read(tmp_path / "*.parquet")["light"].dropna().tolist() == [1.0, 2.0, 1.5]


def test_a_value_that_is_no_number_leaves_the_others_of_its_column_readable(
    tmp_path: Path,
) -> None:
    (tmp_path / "rows.csv").write_text('kind,light\nherb,"1.234,5"\ntree,warm\nherb,-\n')
    light = read(tmp_path / "rows.csv", decimal=",", thousands=".", missing=("-",))["light"]
    assert light.tolist() == ["1234.5", "warm", None]


def test_a_file_is_read_in_batches_of_bounded_size(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("kind,light\n" + "herb,1.5\n" * 1_200_000)
    with open_table(str(tmp_path / "rows.csv")) as table:
        sizes = [batch.num_rows for batch in table.batches({"light": "number"})]
    assert sum(sizes) == 1_200_000
    assert max(sizes) < 600_000


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


def test_a_column_that_stands_twice_in_parquet_is_refused_if_it_is_wanted(tmp_path: Path) -> None:
    columns = [pa.array([1]), pa.array([2]), pa.array([3])]
    table = pa.Table.from_arrays(columns, ["a", "a", "b"])
    parquet.write_table(table, tmp_path / "t.parquet")
    assert read_table(str(tmp_path / "t.parquet"), {"b": "number"})["b"].tolist() == [3]
    with pytest.raises(TableError, match="has more than one column called a; name each once"):
        read_table(str(tmp_path / "t.parquet"), {"a": "number"})


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://db/shop?user=a&password=se%20same&x=1", "db/shop?user=a&password=***&x=1"),
        ("postgresql://a:b@db/shop?sslpassword=sesame", "a:***@db/shop?sslpassword=***"),
    ],
)
def test_a_password_behind_a_question_mark_is_not_shown(address: str, shown: str) -> None:
    assert public(address) == f"postgresql://{shown}"
    assert public_text(f"at {address} nobody answers") == f"at postgresql://{shown} nobody answers"
