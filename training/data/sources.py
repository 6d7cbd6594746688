"""Rows from the spec's source, their fingerprint, and the split into training and held-out rows."""

from __future__ import annotations

import csv
import glob
import hashlib
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.common.errors import SourceError
from training.common.places import is_sound, public
from training.data.sample_farm import SAMPLES
from training.spec.values import Data, Spec

Rows = NDArray[np.intp]


class Split(NamedTuple):
    """Row numbers on either side."""

    train: Rows
    held_out: Rows


def wanted(spec: Spec) -> list[str]:
    """The columns that a spec asks of its source, each once."""
    data = spec.source
    extra = [data.target, data.time, *spec.checks.unique]
    return list(
        dict.fromkeys([column.name for column in spec.inputs] + [name for name in extra if name])
    )


def read(spec: Spec) -> pd.DataFrame:
    """All rows of the source, only the wanted columns, as the source types them. SourceError names what is wrong."""
    data = spec.source
    if data.source.startswith("sample:"):
        frame = _read_sample(data)
    elif "://" in data.source:
        frame = _read_sql(data)
    else:
        texts = [column.name for column in spec.inputs if column.type in ("category", "timestamp")]
        frame = _read_files(
            data.source, texts + ([data.target] if spec.task == "classification" else [])
        )
    if frame.empty:
        raise SourceError(
            f"{public(data.source)}: has no rows; training needs at least {spec.checks.minimum_rows}"
        )
    present = [name for name in wanted(spec) if name in frame.columns]
    return frame[present].reset_index(drop=True)


def _read_sample(data: Data) -> pd.DataFrame:
    name = data.source.removeprefix("sample:")
    if name not in SAMPLES:
        raise SourceError(f"sample {name!r} is not known; allowed: {', '.join(SAMPLES)}")
    return SAMPLES[name](data.rows)


def _read_sql(data: Data) -> pd.DataFrame:
    import sqlalchemy  # pylint: disable=import-outside-toplevel  # a file needs none

    address = _address(data.source)
    try:
        engine = sqlalchemy.create_engine(address)
        with engine.connect() as connection:
            return pd.read_sql_query(sqlalchemy.text(data.query), connection)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise SourceError(f"{public(data.source)}: {reason} (query: {data.query})") from error


#: A variable, and what comes before it where it is all of a name or of a password.
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
BEFORE_NAME, BEFORE_PASSWORD = re.compile(r"[\w+.-]+://"), re.compile(r"[\w+.-]+://[^/?#@]*:")
ENCODED = re.compile(r"(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", re.ASCII)


def _address(source: str) -> str:
    """The source with the environment's variables in it; one that is all of a name or password may have any text."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        text = os.environ.get(name)
        if text is None:
            raise SourceError(f"{public(source)}: the environment variable {name} is not set")
        before, after = source[: found.start()], source[found.end() :][:1]
        alone = BEFORE_NAME.fullmatch(before) and after == ":"
        alone = alone or BEFORE_PASSWORD.fullmatch(before) and after == "@"
        return quote(text, safe="") if alone and not ENCODED.fullmatch(text) else text

    address = VARIABLE.sub(value, source)
    if not is_sound(address):
        raise SourceError(
            f"{public(source)}: with its variables filled in, name, password, host and port cannot be told apart;"
            " percent-encode what is special in them (@ is %40)"
        )
    return address


def describe_source(spec: Spec) -> str:
    return public(spec.source.source)


def _read_files(pattern: str, texts: list[str]) -> pd.DataFrame:
    paths = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    if not paths:
        raise SourceError(
            f"{pattern}: no such file in {Path.cwd()}; a source is a file, a glob, an SQL URL or sample:farm"
        )
    return pd.concat([read_file(path, texts) for path in paths], ignore_index=True)


def read_file(path: Path, texts: list[str]) -> pd.DataFrame:
    """One file; the columns in `texts` are kept as written, whatever they look like."""
    if path.suffix not in (".csv", ".parquet"):
        raise SourceError(
            f"{path}: given a file ending in {path.suffix!r}; allowed: .csv, .parquet"
        )
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path, texts)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise SourceError(f"{path}: is empty; a header and rows are needed") from error
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be read: {str(error).strip()}") from error


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
    counts = [
        len(next(csv.reader([line.decode("utf-8", errors="replace")]), []))
        for line in (header, last)
    ]
    if counts[1] < counts[0]:
        raise SourceError(
            f"{path}: the last line has {counts[1]} fields of {counts[0]}; the file looks truncated"
        )


def fingerprint(frame: pd.DataFrame) -> str:
    """SHA-256 of names and values in order: the same rows in CSV, Parquet or SQL read alike have the same."""
    digest = hashlib.sha256("\0".join(map(str, frame.columns)).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def split(spec: Spec, frame: pd.DataFrame) -> Split:
    """Rows by chance, by chance within each class, or the latest rows held out."""
    data, rows = spec.source, len(frame)
    held_out = max(1, round(rows * data.holdout))
    if data.split == "time":
        order = np.argsort(pd.to_datetime(frame[data.time], utc=True).to_numpy(), kind="stable")
        return Split(order[:-held_out], order[-held_out:])
    order = np.random.default_rng(spec.search.seed).permutation(rows)
    if data.split == "stratified":
        order = _spread_classes(order, frame[data.target].astype(str).to_numpy())
    return Split(np.sort(order[held_out:]), np.sort(order[:held_out]))


def _spread_classes(order: Rows, labels: NDArray[np.object_]) -> Rows:
    """The same rows so ordered that every stretch holds each class by its share."""
    place = np.empty(len(order))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(place, kind="stable")
