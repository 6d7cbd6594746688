"""The function `[features] prepare` of a spec: from the rows of the source to the columns of the contract.

It runs at training alone. Whoever asks the service sends what comes out of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pandas as pd

from training.common import own_code
from training.common.errors import SourceError, SpecError
from training.data import sources
from training.spec.values import Spec


def resolve(spec: Spec) -> Callable[[pd.DataFrame], Any] | None:
    """The function, imported: before data is read, so that a mistake in it costs no wait."""
    name = spec.features.prepare
    if name is None:
        return None
    try:
        function = own_code.load(name)
    except own_code.OwnCodeError as error:
        raise SpecError(spec.name, [f"features.prepare: {error}"]) from error
    if not callable(function) or not own_code.takes(function, "the data frame"):
        raise SpecError(
            spec.name,
            [
                f"features.prepare: given {name!r}, a {type(function).__name__}"
                f"{own_code.signature(function)}; allowed is a function of one data frame"
            ],
        )
    return function  # type: ignore[no-any-return]


def prepare(spec: Spec, rows: pd.DataFrame) -> pd.DataFrame:
    """What the function makes of a source's rows, then as if the source had had it; the rows themselves without one."""
    function, name = resolve(spec), spec.features.prepare
    if function is None or name is None:
        return rows
    with own_code.calling(name):
        prepared = function(rows)
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
