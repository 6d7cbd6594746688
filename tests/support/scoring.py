"""Tables and bundles to score, and the command in this process or as one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from scoring.__main__ import main
from service.bundle.contract import Contract
from tests.support import ROOT
from tests.support.processes import Done, spawned
from tests.support.service.bundles import QUALITY, rows_for


class Scorer:
    """`python -m scoring` with the bundles of a folder."""

    def __init__(self, bundles: Path):
        self.environment = {"BUNDLES": str(bundles)}

    def __call__(self, *words: object, **environment: str) -> Done:
        """In this process."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main([str(word) for word in words])
        out.seek(0)
        return Done(code, out.read(), err.getvalue())

    @contextlib.contextmanager
    def started(self, go_on: Path, *words: object) -> Iterator[subprocess.Popen[str]]:
        """As a process of its own, which waits for a file once a few parts are written."""
        command = [sys.executable, "-m", "tests.support.scoring_in_parts", str(go_on)]
        command += map(str, words)
        with spawned(command, ROOT, os.environ | self.environment) as process:
            yield process


def write_parquet(path: Path, rows: list[dict[str, Any]], group: int = 1 << 20) -> Path:
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)
    return path


def numbered(contract: Contract, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Valid rows, each with an order's number that no model asks for."""
    rows = rows_for(contract, count, seed)
    return [{**row, "order": 1000 + number} for number, row in enumerate(rows)]


def answers(path: Path) -> list[dict[str, Any]]:
    read = pyarrow.parquet.read_table if path.suffix == ".parquet" else pyarrow.csv.read_csv
    rows: list[dict[str, Any]] = read(path).to_pylist()
    return rows


#: Valid rows of the classifier, with an order's number.
ROWS = numbered(QUALITY, 500)
