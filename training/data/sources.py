"""The rows of a spec's source, and their fingerprint."""

from __future__ import annotations

import datetime as dt
import hashlib

import pandas as pd

from outside.address import public
from service.bundle.contract import ColumnType
from service.bundle.lengths import parse_age
from tables.errors import TableError
from tables.frame import read_table
from tables.kinds import Kind
from training.common.errors import SourceError
from training.data.journal import read_journal
from training.data.sample_farm import SAMPLES
from training.spec.rules import retention_days
from training.spec.values import Spec

SAMPLE = "sample:"
#: The column that says of each row whether it came from the journal; no input can be called so.
JOURNALLED = "from the journal"


def wanted(spec: Spec) -> list[str]:
    """The columns that a spec asks of its source, each once."""
    data = spec.source
    extra = [data.target, data.time, *spec.checks.unique, spec.group_beside]
    return list(
        dict.fromkeys([column.name for column in spec.inputs] + [name for name in extra if name])
    )


def read(spec: Spec) -> pd.DataFrame:
    """All rows of the source, as the source types them; SourceError names what is wrong.

    Only the wanted columns, but all where own code is to make those (training/data/prepare.py).
    """
    frame = _read(spec)
    if frame.empty:
        raise SourceError(
            f"{describe_source(spec)}: has no rows; training needs at least {spec.checks.minimum_rows}"
        )
    return frame if spec.features.prepare else complete(spec, frame)


def complete(spec: Spec, frame: pd.DataFrame) -> pd.DataFrame:
    """The wanted columns, with the journal's rows, and of all the newest."""
    present = [name for name in wanted(spec) if name in frame.columns]
    frame = frame[present].reset_index(drop=True)
    if spec.source.journal:
        frame = _with_journal(spec, frame)
    return _newest(spec, frame) if spec.source.window else frame


def _with_journal(spec: Spec, frame: pd.DataFrame) -> pd.DataFrame:
    """The source's rows, then the journal's; which is which stands in a column of its own."""
    if spec.source.time not in frame:
        raise SourceError(
            f"{describe_source(spec)}: has no column {spec.source.time}, which orders its rows"
        )
    days = retention_days()
    span = parse_age(spec.source.window) if spec.source.window else dt.timedelta(days=days)
    since = dt.datetime.now(dt.UTC) - span if span else dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    names = {column.name for column in spec.inputs}
    for name in set(spec.checks.unique).intersection(frame.columns) - names - {spec.source.time}:
        # Beside the journal's, which are text, else no file could keep both in one column.
        frame[name] = frame[name].map(lambda value: value if pd.isna(value) else str(value))
    served = read_journal(spec, since, frame)
    # Not by pandas' concat: a column that is null in one part would have a type of that part's.
    columns = {name: [*frame[name], *served[name]] for name in frame.columns}
    columns[JOURNALLED] = [False] * len(frame) + [True] * len(served)
    return pd.DataFrame(columns)


def _newest(spec: Spec, frame: pd.DataFrame) -> pd.DataFrame:
    """Counted back from the newest row, not from today: the same data are the same rows tomorrow."""
    if spec.source.time not in frame:
        # The checks say so.
        return frame
    texts = frame[spec.source.time].map(lambda value: value if pd.isna(value) else str(value))
    times = pd.to_datetime(texts, utc=True, errors="coerce", format="ISO8601")
    # Rows without a time that can be read are for the checks to find.
    recent = times.isna() | (times > times.max() - parse_age(spec.source.window))
    return frame[recent].reset_index(drop=True)


def _read(spec: Spec) -> pd.DataFrame:
    data = spec.source
    if data.source.startswith(SAMPLE):
        name = data.source.removeprefix(SAMPLE)
        if name not in SAMPLES:
            raise SourceError(f"sample {name!r} is not known; allowed: {', '.join(SAMPLES)}")
        return SAMPLES[name](data.rows)
    try:
        prepared = bool(spec.features.prepare)
        return read_table(
            data.source,
            as_written(spec) if prepared else kinds(spec),
            data.form,
            data.query,
            prepared,
        )
    except TableError as error:
        raise SourceError(str(error)) from error


KINDS: dict[ColumnType, Kind] = {
    "number": "number",
    "integer": "number",
    "category": "text",
    "boolean": "boolean",
    "timestamp": "timestamp",
}


def kinds(spec: Spec) -> dict[str, Kind]:
    """What is read of the source, and as what."""
    data = spec.source
    columns: dict[str, Kind] = dict.fromkeys(wanted(spec), "stored")
    columns |= {data.time: "timestamp"} if data.time else {}
    columns |= {data.target: "text" if spec.task == "classification" else "number"}
    columns |= {spec.group_beside: "text"} if spec.group_beside else {}
    return columns | {column.name: KINDS[column.type] for column in spec.inputs}


def as_written(spec: Spec) -> dict[str, Kind]:
    """For own code, which makes the contract's columns of whatever there is: texts where the contract has them."""
    texts = [column.name for column in spec.inputs if column.type in ("category", "timestamp")]
    texts += [spec.source.target] if spec.task == "classification" else []
    return dict.fromkeys(texts, "text")


def describe_source(spec: Spec) -> str:
    """The source for people and records, without a password; an optimization's is the model that it searches."""
    if spec.data is None:
        return f"model:{spec.goal.model}"
    return public(spec.data.source) + (" and the journal" if spec.data.journal else "")


def fingerprint(frame: pd.DataFrame) -> str:
    """SHA-256 of names and values in order: the same rows in CSV, Parquet or SQL read alike have the same."""
    digest = hashlib.sha256("\0".join(map(str, frame.columns)).encode())
    try:
        hashes = pd.util.hash_pandas_object(frame, index=False)
    except TypeError:
        # Lists or tables in cells, which own code may make columns of.
        hashes = pd.util.hash_pandas_object(frame.map(repr), index=False)
    digest.update(hashes.to_numpy().tobytes())
    return digest.hexdigest()
