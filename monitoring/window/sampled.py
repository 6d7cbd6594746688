"""A sample of a window: which hashes are in it, and its rows as arrays, put together piece by piece."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.window import cells
from service.bundle.contract import Contract, Matrix

#: What stands before the threshold of a sample that takes every row: digits and a to f are less.
ALL = "g"
#: Rows that are read from the database at once.
CHUNK = 1000


def sample_hash(request_id: str, row: int, seed: int) -> str:
    """As PostgreSQL's `md5` in the statements.

    By request and row, so that both arms' rows of a request, its predictions when it was sent again, and its truth are
    in a sample together or not at all.
    """
    return md5(f"{request_id}:{row}:{seed}")


def md5(text: str) -> str:
    """As PostgreSQL has it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def threshold(rows: int, limit: int) -> str:
    """Hashes below it are of about `limit` of these rows, and all but never of fewer."""
    wanted = limit + 5 * math.sqrt(limit) + 10
    if rows <= wanted:
        return ALL
    return f"{int(wanted / rows * 2**32):08x}"


def most_rows(limit: int, statements: int) -> int:
    """How many rows each of these statements may give: whoever sends one request a million times gets no further."""
    return 2 * limit // statements + 100


class Rows(NamedTuple):
    """A part of a sample, each array by row; `truth` and `received` are None of rows that were read without truth."""

    hashes: NDArray[Any]
    first_of_request: NDArray[np.bool_]
    at: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    matrix: Matrix
    values: NDArray[Any]
    probabilities: NDArray[np.float32] | None
    truth: NDArray[Any] | None
    received: NDArray[np.float64] | None


def rows_of(contract: Contract, records: Sequence[Any], with_truth: bool) -> Rows:
    """Records of truth_sample.sql or, without truth, of sample.sql."""

    def column(name: str) -> list[Any]:
        return [record[name] for record in records]

    values: NDArray[Any]
    truth: NDArray[Any] | None = None
    if contract.classes:
        values = cells.read_classes(contract, column("label"))
    else:
        values = cells.read_numbers(contract, column("number"), column("prediction"))
    if with_truth and contract.classes:
        truth = cells.read_truth(contract, column("truth_label"))
    elif with_truth:
        truth = np.array(column("truth_number"), np.float64)
    return Rows(
        np.array(column("hash"), np.str_),
        np.array(column("row"), np.int64) == 0,
        seconds(column("at")),
        np.array(column("latency_ms"), np.float64),
        cells.read_features(contract, column("features")),
        values,
        cells.read_probabilities(contract, column("probabilities")),
        truth,
        seconds(column("received")) if with_truth else None,
    )


def seconds(moments: Iterable[Any]) -> NDArray[np.float64]:
    """Since 1970. SQLite keeps times as text."""
    return np.array(
        [
            (
                dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC).timestamp()
                if isinstance(at, str)
                else at
            )
            for at in moments
        ],
        np.float64,
    )


def sample_of(parts: Sequence[Rows], contract: Contract, limit: int) -> Rows:
    """The `limit` rows of least hash, in the order of their time; of a row that came twice, the newest."""
    joined = Rows(*map(_joined, zip(*parts, strict=True)))
    newest_first = np.lexsort((-joined.at, joined.hashes))
    _, first = np.unique(joined.hashes[newest_first], return_index=True)
    chosen = newest_first[first][:limit]
    chosen = chosen[_has_class(joined, contract)[chosen]]
    places = chosen[np.argsort(joined.at[chosen], kind="stable")]
    columns: list[Any] = [None if column is None else column[places] for column in joined]
    return Rows(*columns)


def _has_class(rows: Rows, contract: Contract) -> NDArray[np.bool_]:
    """Without rows that have no class of this contract for an answer, or no label for a truth."""
    sound = np.ones(len(rows.hashes), bool)
    if contract.classes:
        sound &= rows.values >= 0
        if rows.truth is not None:
            sound &= rows.truth >= 0
    return sound


def _joined(arrays: Sequence[NDArray[Any] | None]) -> Any:
    """One column of all parts; None where a part lacks it."""
    present = [array for array in arrays if array is not None]
    return np.concatenate(present) if len(present) == len(arrays) else None


def latency_quantiles(rows: Rows) -> tuple[float, float, float] | None:
    """By request: all rows of one have the same latency, so only its first counts."""
    latencies = rows.latency_ms[rows.first_of_request]
    if not latencies.size:
        return None
    median, high, highest = np.quantile(latencies, (0.5, 0.95, 0.99)).tolist()
    return median, high, highest
