"""What is proposed of a CSV file is what it was written with."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tables.csv_detection import detect_format
from tables.csv_format import CsvFormat
from tables.errors import TableError
from tables.number_signs import signs_of


def rows(count: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "Ort": random.choice(["München", "Köln, links", "Wien; Mitte"], count),
            "Fläche": random.normal(50, 10, count).round(2),
            "Zimmer": random.integers(1, 9, count),
            "Preis": random.normal(250_000, 30_000, count).round(1),
        }
    )


@pytest.mark.parametrize(
    "form",
    [
        *(CsvFormat(separator, decimal) for separator in ",;\t|" for decimal in ".,"),
        *(CsvFormat(";", ",", encoding=name) for name in ("latin-1", "utf-16", "utf-16-be")),
        *(CsvFormat(separator, quote="'") for separator in ",;\t"),
    ],
)
@pytest.mark.parametrize("quoting", [csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL])
def test_a_file_is_known_again(tmp_path: Path, form: CsvFormat, quoting: int) -> None:
    written = {"sep": form.separator, "decimal": form.decimal, "encoding": form.encoding}
    rows().to_csv(tmp_path / "a.csv", quotechar=form.quote, quoting=quoting, index=False, **written)
    assert detect_format(tmp_path / "a.csv") == form


def test_a_byte_order_mark_is_nothing_to_write_down(tmp_path: Path) -> None:
    rows().to_csv(tmp_path / "rows.csv", encoding="utf-8-sig", index=False)
    assert detect_format(tmp_path / "rows.csv") == CsvFormat()


def test_a_sign_of_cp1252_tells_it_from_latin_1(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("Preis;Ort\n5 €;Köln\n".encode("cp1252"))
    assert detect_format(tmp_path / "rows.csv").encoding == "cp1252"


def test_one_letter_at_the_end_of_a_large_file_says_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a,b\n" + b"1,x\n" * 600_000 + "2,ö\n".encode("latin-1"))
    assert detect_format(tmp_path / "rows.csv").encoding == "latin-1"


def test_thousands_that_only_later_rows_have_are_seen(tmp_path: Path) -> None:
    small, large = "a;5\n" * 100_000, "a;1.234.567\n" * 100_000
    (tmp_path / "rows.csv").write_text("kind;price\n" + small + large)
    assert detect_format(tmp_path / "rows.csv")[1:3] == (",", ".")


@pytest.mark.parametrize(
    ("columns", "separator", "signs"),
    [
        ([["1.5", "2"]], ",", (".", "")),
        ([["1,5", "2"]], ";", (",", "")),
        ([["1.234,5", "12,25"]], ";", (",", ".")),
        ([["1,234.5", "12.25"]], ",", (".", ",")),
        ([["1,234", "12"]], ",", (".", ",")),
        ([["1,234", "0,5"]], ";", (",", "")),
        ([["1,234", "12"]], ";", (",", "")),
        ([["1,234,567", "12"]], ";", (".", ",")),
        ([["1.234.567"]], ";", (",", ".")),
        ([["1'234.5", "7"]], ",", (".", "'")),
        ([["1 234,5", "7"]], ";", (",", " ")),
        # What is no number says nothing: dates, versions, telephone numbers, a column of words.
        ([["31.12.2026", "01.02.2026"]], ";", (".", "")),
        ([["1.2.3"], ["089 123 45"], ["a,b", "1,5"]], ";", (".", "")),
        # One column each way: the commoner one, and its sign is not of thousands.
        ([["1,5"], ["2,5"], ["1.5"]], ";", (",", "")),
        ([["0.125", "0.250"]], ",", (".", "")),
        ([], ",", (".", "")),
    ],
)
def test_signs_of_numbers(columns: list[list[str]], separator: str, signs: tuple[str, str]) -> None:
    assert signs_of(columns, separator) == signs


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n \n"])
def test_an_empty_file_has_no_format(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(TableError, match="is empty"):
        detect_format(tmp_path / "rows.csv")


@pytest.mark.parametrize("content", ["light\n1.5\n2\n", "light\n", "a,b\n", "sep=;\na;b\n1;2\n"])
def test_a_small_file_has_a_format_too(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.csv").write_text(content)
    expected: dict[str, Any] = {"separator": ";"} if "sep" in content else {}
    assert detect_format(tmp_path / "rows.csv") == CsvFormat(**expected)
