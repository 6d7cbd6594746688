"""Evidently's and NannyML's defaults, and ours, on the same windows without drift."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.bench.silence.population import LEVEL_NAMES, LEVELS, NAMES, draw
from tests.bench.silence.windows import (
    CONTRACT,
    TRIPLE,
    Rate,
    alarmed,
    judge_ours,
    raised_columns,
    two_of_three,
)
from tests.support.monitoring.windows import reference_of

#: A cell has so many references with so many windows each; alarms are of each three that follow each other.
REFERENCES, WINDOWS = 20, 10
SCRIPT = Path(__file__).with_name("nannyml_windows.py")

Floats = NDArray[np.float64]


class Peer(NamedTuple):
    """Windows with an alarm of any column, columns raised, and alarms after two of three windows."""

    windows: Rate
    columns: Rate
    alarms: Rate


def frame(rows: Floats) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(NAMES))
    for name in LEVELS:
        table[name] = np.array(LEVEL_NAMES[name])[table[name].astype(int)]
    return table


def is_raised_by_evidently(
    category: bool, reference: pd.Series[Any], window: pd.Series[Any]
) -> bool:
    """By its own choice of test and threshold: what its preset does to each column."""
    with warnings.catch_warnings():
        # It uses names of numpy that are to go, and takes seconds to import.
        warnings.simplefilter("ignore")
        # pylint: disable=import-outside-toplevel
        from evidently.legacy.calculations.stattests import get_stattest
        from evidently.legacy.core import ColumnType

        kind = ColumnType.Categorical if category else ColumnType.Numerical
        test = get_stattest(reference, window, kind, None)
        return bool(test(reference, window, kind, None).drifted)


def evidently_raised(reference: pd.DataFrame, window: pd.DataFrame) -> set[str]:
    return {
        name
        for name in NAMES
        if is_raised_by_evidently(name in LEVELS, reference[name], window[name])
    }


def nannyml_raised(python: str, folder: Path, rows: int) -> list[list[set[str]]]:
    """In a process of its own, for its packages do not go with ours: by reference, by window."""
    answer = subprocess.run(
        [python, str(SCRIPT), str(folder), str(rows), ",".join(LEVELS)],
        check=True,
        capture_output=True,
        text=True,
    )
    answers = json.loads(answer.stdout.splitlines()[-1])
    return [[set(columns) for columns in windows] for windows in answers]


def compare(
    rows: int, reference_rows: int, seed: int, nannyml: str, references: int
) -> dict[str, Peer]:
    random = np.random.default_rng([seed, rows, reference_rows, 2])
    raised: dict[str, list[list[set[str]]]] = {"ours": [], "Evidently": []}
    ours_alarmed: list[bool] = []
    folder = Path(tempfile.mkdtemp(prefix="nannyml-"))
    for number in range(references):
        reference = draw(reference_rows, random)
        windows = [draw(rows, random) for _ in range(WINDOWS)]
        judged = judge_ours(windows, reference_of(CONTRACT, reference))
        raised["ours"].append([raised_columns(window) for window in judged])
        ours_alarmed += [
            bool(alarmed(judged[first : first + TRIPLE])) for first in range(WINDOWS - TRIPLE + 1)
        ]
        table = frame(reference)
        raised["Evidently"].append([evidently_raised(table, frame(window)) for window in windows])
        if nannyml:
            frame(reference).to_parquet(folder / f"reference-{number:03}.parquet")
            frame(np.concatenate(windows)).to_parquet(folder / f"windows-{number:03}.parquet")
    if nannyml:
        raised["NannyML"] = nannyml_raised(nannyml, folder, rows)
    shutil.rmtree(folder)
    peers = {tool: _summarise(of_references) for tool, of_references in raised.items()}
    alarms = Rate(sum(ours_alarmed), len(ours_alarmed))
    return {**peers, "ours": peers["ours"]._replace(alarms=alarms)}


def _summarise(of_references: list[list[set[str]]]) -> Peer:
    windows = [raised for of_one in of_references for raised in of_one]
    alarms = [
        bool(two_of_three(of_one[first : first + TRIPLE]))
        for of_one in of_references
        for first in range(len(of_one) - TRIPLE + 1)
    ]
    return Peer(
        Rate(sum(map(bool, windows)), len(windows)),
        Rate(sum(map(len, windows)), len(windows) * len(NAMES)),
        Rate(sum(alarms), len(alarms)),
    )
