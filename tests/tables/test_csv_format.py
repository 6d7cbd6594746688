"""The format of CSV files: each part of it read, and each refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tables.csv_format import CsvFormat
from tables.frame import read_table


def light_of(path: Path, content: bytes, **form: Any) -> list[Any]:
    (path / "rows.csv").write_bytes(content)
    frame = read_table(
        str(path / "rows.csv"), {"kind": "text", "light": "number"}, CsvFormat(**form)
    )
    return [None if pd.isna(value) else value for value in frame["light"]]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("kind;light\nherb;1.5\n", {"separator": ";"}),
        ("kind\tlight\nherb\t1.5\n", {"separator": "\t"}),
        ('kind,light\nherb,"1,5"\n', {"decimal": ","}),
        ("kind,light\n'herb, green',1.5\n", {"quote": "'"}),
        ('kind,light\n"herb,1.5\n', {"quote": ""}),
        ("kind,light\nherb, 1.5 \n", {}),
    ],
)
def test_a_number_is_read_as_the_format_says(
    tmp_path: Path, content: str, form: dict[str, Any]
) -> None:
    assert light_of(tmp_path, content.encode(), **form) == [1.5]


@pytest.mark.parametrize(
    ("written", "form", "read"),
    [
        ("1.234.567,5", {"decimal": ",", "thousands": "."}, 1_234_567.5),
        ("-1'234.5", {"thousands": "'"}, -1_234.5),
        ("12 345", {"thousands": " "}, 12_345.0),
        ("1\N{NARROW NO-BREAK SPACE}234", {"thousands": "\N{NARROW NO-BREAK SPACE}"}, 1_234.0),
        ("1234,5e3", {"decimal": ",", "thousands": "."}, 1_234_500.0),
        # No number in this format: a date, a dot that is no decimal sign, a group of two digits.
        ("01.02.2026", {"decimal": ",", "thousands": "."}, "01.02.2026"),
        ("1.5", {"decimal": ","}, "1.5"),
        ("1.23", {"decimal": ",", "thousands": "."}, "1.23"),
        ("0x10", {}, "0x10"),
    ],
)
def test_thousands_and_decimals(
    tmp_path: Path, written: str, form: dict[str, Any], read: object
) -> None:
    assert light_of(tmp_path, f"kind;light\nherb;{written}\n".encode(), separator=";", **form) == [
        read
    ]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8", "UTF8"])
def test_an_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "rows.csv").write_bytes("bäume,höhe\nTanne°,1.5\n".encode(encoding))
    frame = read_table(
        str(tmp_path / "rows.csv"),
        {"bäume": "text", "höhe": "number"},
        CsvFormat(encoding=encoding),
    )
    assert frame.to_dict("list") == {"bäume": ["Tanne°"], "höhe": [1.5]}


@pytest.mark.parametrize("own", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_goes_before_what_the_format_says(tmp_path: Path, own: str) -> None:
    """Of a folder of exports, some have it."""
    (tmp_path / "a.csv").write_bytes("bäume\nTanne\n".encode(own))
    (tmp_path / "b.csv").write_bytes("bäume\nLärche\n".encode("latin-1"))
    frame = read_table(str(tmp_path / "*.csv"), {"bäume": "text"}, CsvFormat(encoding="latin-1"))
    assert frame["bäume"].tolist() == ["Tanne", "Lärche"]


def test_what_is_missing_is_what_the_format_says(tmp_path: Path) -> None:
    content = b'kind,light\nNA,NA\n-,-\n"",\n'
    assert light_of(tmp_path, content) == [None, "-", None]
    assert light_of(tmp_path, content, missing=("", "-")) == ["NA", None, None]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"separator": ";;"}, "separator"),
        ({"separator": '"'}, "separator"),
        ({"separator": "a"}, "separator"),
        ({"decimal": ";"}, "decimal"),
        ({"decimal": ",", "thousands": ","}, "thousands"),
        ({"thousands": "x"}, "thousands"),
        ({"encoding": "utf-99"}, "encoding"),
        ({"encoding": "base64"}, "encoding"),
        ({"quote": "''"}, "quote"),
        ({"missing": ("a\nb",)}, "missing"),
    ],
)
def test_a_format_that_cannot_be_says_what_is_allowed(form: dict[str, Any], field: str) -> None:
    ((name, problem),) = CsvFormat(**form).problems()
    assert name == field
    assert "given" in problem and "allowed: " in problem


def test_the_usual_format_has_no_problem() -> None:
    assert not list(CsvFormat().problems())
