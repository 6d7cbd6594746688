"""The data checks as tests ask for them: a frame in, its violations out."""

from __future__ import annotations

from typing import Any

import pandas as pd

from training.data import dataset, sources
from training.data.report import ValidationReport, Violation
from training.spec.values import Spec


def report_of(spec: Spec, frame: pd.DataFrame) -> ValidationReport:
    wanted = [name for name in sources.wanted(spec) if name in frame]
    return dataset.validate(spec, frame[wanted], "fingerprint")[0]


def only(spec: Spec, frame: pd.DataFrame) -> Violation:
    violations = report_of(spec, frame).violations
    assert len(violations) == 1, violations
    return violations[0]


def put(frame: pd.DataFrame, column: str, values: dict[int, Any]) -> pd.DataFrame:
    """The frame with other values in some rows of a column."""
    changed = frame[column].astype(object)
    for row, value in values.items():
        changed[row] = value
    return frame.assign(**{column: changed})
