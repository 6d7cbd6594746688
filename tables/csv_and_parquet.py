"""Reads tables from files: one CSV or Parquet file, or all that a glob names."""

from __future__ import annotations

import csv
import glob
from pathlib import Path

import pandas as pd

from tables.errors import TableError


def read_files(pattern: str, texts: list[str]) -> pd.DataFrame:
    """The rows of all files of a glob, in the order of their names; for `texts` see `read_file`."""
    paths = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    if not paths:
        raise TableError(
            f"{pattern}: no such file in {Path.cwd()}; a source is a file, a glob, an SQL URL or sample:farm"
        )
    return pd.concat([read_file(path, texts) for path in paths], ignore_index=True)


def read_file(path: Path, texts: list[str]) -> pd.DataFrame:
    """One file; the columns in `texts` are kept as written, whatever they look like."""
    if path.suffix not in (".csv", ".parquet"):
        raise TableError(f"{path}: given a file ending in {path.suffix!r}; allowed: .csv, .parquet")
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path, texts)
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except pd.errors.EmptyDataError as error:
        raise TableError(f"{path}: is empty; a header and rows are needed") from error
    except (OSError, ValueError) as error:
        raise TableError(f"{path}: cannot be read: {str(error).strip()}") from error


def _read_csv(path: Path, texts: list[str]) -> pd.DataFrame:
    _refuse_truncated(path)
    with path.open(encoding="utf-8-sig") as file:
        # Without round_trip a number may differ from the same one in Parquet or SQL by its last bit.
        return pd.read_csv(
            file,
            dtype={name: str for name in texts},
            float_precision="round_trip",
            low_memory=False,
        )


def _refuse_truncated(path: Path) -> None:
    """pandas fills a last line that was cut off with nulls; its field count gives it away."""
    with path.open("rb") as file:
        header = file.readline()
        file.seek(max(0, path.stat().st_size - 65_536))
        last = file.read().rstrip(b"\r\n").rpartition(b"\n")[2]
    expected, counted = (
        len(next(csv.reader([line.decode("utf-8", errors="replace")]), []))
        for line in (header, last)
    )
    if counted < expected:
        raise TableError(
            f"{path}: the last line has {counted} fields of {expected}; the file looks truncated"
        )
