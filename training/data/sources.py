"""The rows of a spec's source, and their fingerprint."""

from __future__ import annotations

import hashlib

import pandas as pd

from tables.address import public
from tables.errors import TableError
from tables.source import read_table
from training.common.errors import SourceError
from training.data.sample_farm import SAMPLES
from training.spec.values import Spec

SAMPLE = "sample:"


def wanted(spec: Spec) -> list[str]:
    """The columns that a spec asks of its source, each once."""
    data = spec.source
    extra = [data.target, data.time, *spec.checks.unique]
    return list(
        dict.fromkeys([column.name for column in spec.inputs] + [name for name in extra if name])
    )


def read(spec: Spec) -> pd.DataFrame:
    """All rows of the source, only the wanted columns, as the source types them. SourceError names what is wrong."""
    frame = _read(spec)
    if frame.empty:
        raise SourceError(
            f"{describe_source(spec)}: has no rows; training needs at least {spec.checks.minimum_rows}"
        )
    present = [name for name in wanted(spec) if name in frame.columns]
    return frame[present].reset_index(drop=True)


def _read(spec: Spec) -> pd.DataFrame:
    data = spec.source
    if data.source.startswith(SAMPLE):
        name = data.source.removeprefix(SAMPLE)
        if name not in SAMPLES:
            raise SourceError(f"sample {name!r} is not known; allowed: {', '.join(SAMPLES)}")
        return SAMPLES[name](data.rows)
    texts = [column.name for column in spec.inputs if column.type in ("category", "timestamp")]
    texts += [data.target] if spec.task == "classification" else []
    try:
        return read_table(data.source, data.query, texts)
    except TableError as error:
        raise SourceError(str(error)) from error


def describe_source(spec: Spec) -> str:
    """The source for people and records, without a password; an optimization's is the model that it searches."""
    return public(spec.data.source) if spec.data else f"model:{spec.goal.model}"


def fingerprint(frame: pd.DataFrame) -> str:
    """SHA-256 of names and values in order: the same rows in CSV, Parquet or SQL read alike have the same."""
    digest = hashlib.sha256("\0".join(map(str, frame.columns)).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()
