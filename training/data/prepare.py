"""The function `[features] prepare` of a spec: from the rows of the source to the columns of the contract.

It runs at training alone. Whoever asks the service sends what comes out of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pandas as pd

from training.common import own_code
from training.common.errors import SourceError
from training.data import sources
from training.spec.values import Spec


def function(name: str) -> Callable[[pd.DataFrame], Any]:
    """The function, imported; OwnCodeError says what is wrong with it."""
    there = own_code.load(name)
    if not callable(there) or not own_code.takes(there, "the data frame"):
        raise own_code.OwnCodeError(
            f"given {name!r}, a {type(there).__name__}{own_code.signature(there)};"
            " allowed is a function of one data frame"
        )
    return there  # type: ignore[no-any-return]


def prepare(spec: Spec, rows: pd.DataFrame) -> pd.DataFrame:
    """What the function makes of a source's rows, then as if the source had had it; the rows themselves without one."""
    name = spec.features.prepare
    if name is None:
        return rows
    make = function(name)
    with own_code.calling(name):
        prepared = make(rows)
    if not isinstance(prepared, pd.DataFrame):
        raise SourceError(
            f"{spec.name}: {name} returned a {type(prepared).__name__}; a data frame is needed"
        )
    if prepared.empty:
        raise SourceError(f"{spec.name}: {name} returned no rows of {len(rows)}")
    repeated = prepared.columns[prepared.columns.duplicated()]
    if len(repeated):
        raise SourceError(
            f"{spec.name}: {name} returned more than one column called {repeated[0]!r}"
        )
    return sources.complete(spec, prepared)


def read(spec: Spec) -> tuple[pd.DataFrame, str]:
    """The rows of the source, not prepared yet, with the fingerprint of all that a training reads.

    The function is not run for it: its sources are in the key of the training.
    """
    rows = sources.read(spec)
    fingerprint = sources.fingerprint(rows)
    if spec.features.prepare and spec.source.journal:
        # The journal's rows stand beside prepared ones.
        both = fingerprint + sources.fingerprint(prepare(spec, rows.copy()))
        fingerprint = hashlib.sha256(both.encode()).hexdigest()
    return rows, fingerprint
