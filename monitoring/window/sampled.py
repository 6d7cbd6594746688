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
from service.bundle.contract import Contract

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
    """A part of a sample."""

    hashes: list[str]
    first_of_request: NDArray[np.bool_]
    at: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    cells: cells.Cells
    truth: NDArray[Any] | None
    received: NDArray[np.float64] | None


def rows_of(contract: Contract, records: Sequence[Any]) -> Rows:
    """Records of sample.sql or truth_sample.sql."""
    columns = {name: [record[name] for record in records] for name in records[0].keys()}
    values = (
        cells.read_classes(contract, columns["label"])
        if contract.classes
        else cells.read_numbers(contract, columns["number"], columns["prediction"])
    )
    truth = None
    if "received" in columns:
        truth = (
            cells.read_truth(contract, columns["truth_label"])
            if contract.classes
            else np.array(columns["truth_number"], np.float64)
        )
    return Rows(
        columns["hash"],
        np.array(columns["row"]) == 0,
        seconds(columns["at"]),
        np.array(columns["latency_ms"], np.float64),
        cells.Cells(
            cells.read_features(contract, columns["features"]),
            values,
            cells.read_probabilities(contract, columns["probabilities"]),
        ),
        truth,
        seconds(columns["received"]) if "received" in columns else None,
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


def empty_rows(contract: Contract, with_truth: bool) -> Rows:
    no_number = np.zeros(0, np.float64)
    values: NDArray[Any] = (
        np.zeros(0, np.int64)
        if contract.classes
        else np.zeros((0, len(contract.outputs)), np.float64)
    )
    nothing = cells.Cells(np.zeros((0, len(contract.features)), np.float32), values, None)
    truth = values[:0] if contract.classes else no_number
    return Rows(
        [],
        np.zeros(0, bool),
        no_number,
        no_number,
        nothing,
        truth if with_truth else None,
        no_number if with_truth else None,
    )


def sample_of(parts: Sequence[Rows], contract: Contract, limit: int, with_truth: bool) -> Rows:
    """The `limit` rows of least hash, in the order of their time; of a row that came twice, the newest."""
    if not parts:
        return empty_rows(contract, with_truth)
    joined = _joined(parts)
    hashes = np.array(joined.hashes)
    newest_first = np.lexsort((-joined.at, hashes))
    _, first = np.unique(hashes[newest_first], return_index=True)
    chosen = newest_first[first][:limit]
    chosen = chosen[_has_class(joined, contract)[chosen]]
    return _taken(joined, chosen[np.argsort(joined.at[chosen], kind="stable")])


def _has_class(rows: Rows, contract: Contract) -> NDArray[np.bool_]:
    """Without rows that have no class of this contract for an answer, or no label for a truth."""
    sound = np.ones(len(rows.hashes), bool)
    if contract.classes:
        sound &= rows.cells.values >= 0
        if rows.truth is not None:
            sound &= rows.truth >= 0
    return sound


def _joined(parts: Sequence[Rows]) -> Rows:
    def join(arrays: Iterable[Any]) -> Any:
        present = list(arrays)
        return None if any(array is None for array in present) else np.concatenate(present)

    return Rows(
        [digest for part in parts for digest in part.hashes],
        join(part.first_of_request for part in parts),
        join(part.at for part in parts),
        join(part.latency_ms for part in parts),
        cells.Cells(
            join(part.cells.matrix for part in parts),
            join(part.cells.values for part in parts),
            join(part.cells.probabilities for part in parts),
        ),
        join(part.truth for part in parts),
        join(part.received for part in parts),
    )


def _taken(rows: Rows, places: NDArray[np.intp]) -> Rows:
    probabilities = rows.cells.probabilities
    return Rows(
        [rows.hashes[place] for place in places],
        rows.first_of_request[places],
        rows.at[places],
        rows.latency_ms[places],
        cells.Cells(
            rows.cells.matrix[places],
            rows.cells.values[places],
            None if probabilities is None else probabilities[places],
        ),
        None if rows.truth is None else rows.truth[places],
        None if rows.received is None else rows.received[places],
    )


def latency_quantiles(rows: Rows) -> tuple[float, float, float] | None:
    """By request: all rows of one have the same latency, so only its first counts."""
    latencies = rows.latency_ms[rows.first_of_request]
    if not latencies.size:
        return None
    median, high, highest = np.quantile(latencies, (0.5, 0.95, 0.99)).tolist()
    return median, high, highest
