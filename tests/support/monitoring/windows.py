"""References and windows made of arrays, for tests of what is pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.window.values import Span, Window
from service.bundle.contract import Contract
from service.bundle.reference import Profile, Reference
from training.bundle.profiles import profile_column

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
MOST_ROWS = 2_000


def reference_of(
    contract: Contract,
    rows: NDArray[Any],
    predictions: dict[str, Profile] | None = None,
    **others: Any,
) -> Reference:
    """As training makes it of these rows."""
    matrix = np.asarray(rows, dtype=np.float32)
    columns = {
        part.name: profile_column(part.column, part.values(matrix), seed=part.positions[0])
        for part in contract.parts
        if not part.column.sensitive
    }
    sample = tuple(
        tuple(None if np.isnan(cell) else float(cell) for cell in row) for row in matrix[:MOST_ROWS]
    )
    return Reference(
        rows=len(matrix),
        columns=columns,
        predictions=predictions or {},
        sample=sample,
        **others,
    )


def window_of(
    rows: NDArray[Any],
    values: NDArray[Any] | None = None,
    probabilities: NDArray[Any] | None = None,
    start: dt.datetime = START,
    length: dt.timedelta = DAY,
) -> Window:
    """Rows spread evenly over the span."""
    matrix = np.asarray(rows, dtype=np.float32)
    at = start.timestamp() + np.arange(len(matrix)) * length.total_seconds() / max(len(matrix), 1)
    return Window(
        model="population",
        version="1",
        arm="champion",
        span=Span(start, start + length),
        rows=len(matrix),
        matrix=matrix,
        values=np.full((len(matrix), 1), np.nan) if values is None else values,
        probabilities=probabilities,
        at=at,
    )
