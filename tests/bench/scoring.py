"""`python -m tests.bench.scoring`: rows a second and peak memory of `make score`, beside MLflow's and beside copying.

On a model that `make run ONCE=1` trained, exported and registered: rows drawn from its contract, 10 million of them.

score      `python -m scoring`, Parquet to Parquet, at the whole table and at a tenth of it: memory has to be the same
copy       reading all columns of the same Parquet file and writing them again, with nothing done between
mlflow     `mlflow models predict` of the same version on the first rows, as CSV, at two sizes: a row's time is what the
           second takes longer than the first, so that its start does not count
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from service.bundle.contract import Column, Contract
from service.bundle.exported import load_bundle, read_aliases

ROOT = Path(__file__).parents[2]
CHUNK = 1 << 20


class Measured(NamedTuple):
    """One command."""

    what: str
    rows: int
    seconds: float
    #: Of the processor: what other work on the machine changes little.
    used: float
    megabytes: float

    def __str__(self) -> str:
        pace = f"{self.rows / self.seconds:,.0f} rows/s, {self.rows / self.used:,.0f} a second of one core"
        return f"{self.what}: {self.rows:,} rows in {self.seconds:.1f} s, {pace}, {self.megabytes:,.0f} MB at most"


class Pace(NamedTuple):
    """Rows a second, and a second of one core."""

    seconds: float
    used: float


def main() -> int:
    options = _options()
    if options.copy:
        copy(*map(Path, options.copy))
        return 0
    build, folder = Path(options.build).absolute(), Path(options.folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    version = read_aliases(build / "bundles")[options.model]["champion"]
    contract = load_bundle(build / "bundles" / options.model / version).contract
    print(
        f"{options.model}, version {version}, {len(contract.columns)} columns; load {os.getloadavg()}"
    )
    table, tenth = folder / "rows.parquet", folder / "tenth.parquet"
    draw(contract, options.rows, table)
    draw(contract, options.rows // 10, tenth)
    _say(
        measure(
            "copy",
            options.rows,
            _python("tests.bench.scoring", "--copy", table, folder / "copy.parquet"),
        )
    )
    environment = {"BUNDLES": str(build / "bundles")}
    score = [
        _python("scoring", options.model, file, folder / "out.parquet") for file in (tenth, table)
    ]
    _say(measure("score, a tenth", options.rows // 10, score[0], environment))
    ours = _say(measure("score", options.rows, score[1], environment))
    if options.mlflow_rows:
        theirs = mlflow(options, build, folder, version)
        print(
            f"score does {ours.rows / ours.seconds / theirs.seconds:.0f} times the rows a second of mlflow models"
            f" predict, and {ours.rows / ours.used / theirs.used:.0f} times those a second of one core"
        )
    print(f"load {os.getloadavg()}")
    return 0


def mlflow(options: argparse.Namespace, build: Path, folder: Path, version: str) -> Pace:
    """Its start left out."""
    environment = {
        "MLFLOW_TRACKING_URI": os.environ.get("MLFLOW_TRACKING_URI")
        or f"sqlite:///{build}/mlflow.db"
    }
    done = []
    for rows in (options.mlflow_rows // 5, options.mlflow_rows):
        with pq.ParquetFile(folder / "rows.parquet") as file:
            batch = next(file.iter_batches(rows))
        pyarrow.csv.write_csv(batch, folder / "rows.csv")
        words = ["--model-uri", f"models:/{options.model}/{version}", "--content-type", "csv"]
        words += [
            "--input-path",
            str(folder / "rows.csv"),
            "--output-path",
            str(folder / "out.json"),
        ]
        command = _python("mlflow", "models", "predict", "--env-manager", "local", *words)
        done.append(_say(measure("mlflow models predict", rows, command, environment)))
    few, many = done
    rows = many.rows - few.rows
    pace = Pace(rows / (many.seconds - few.seconds), rows / (many.used - few.used))
    print(
        f"mlflow models predict, its start left out: {pace.seconds:,.0f} rows/s, {pace.used:,.0f} a second of one core"
    )
    return pace


def measure(
    what: str, rows: int, command: Sequence[str], environment: dict[str, str] | None = None
) -> Measured:
    started = time.monotonic()
    # Its own peak, with those that it started and waited for.
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        words = process.stderr.read().decode(errors="replace")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{what} failed: {words[-2000:]}")
    cores = used.ru_utime + used.ru_stime
    return Measured(what, rows, time.monotonic() - started, cores, used.ru_maxrss / 1024)


def draw(contract: Contract, rows: int, path: Path) -> None:
    """Valid rows, in constant memory; one in twenty has a null where it may."""
    if path.is_file() and pq.read_metadata(path).num_rows == rows:
        return
    random = np.random.default_rng(7)
    writer: Any = None
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        columns = {column.name: _values(column, count, random) for column in contract.columns}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def _values(column: Column, count: int, random: np.random.Generator) -> pa.Array:
    mask = random.random(count) < 0.05 if column.nullable else None
    if column.type == "category":
        codes = pa.array(random.integers(0, len(column.categories), count), mask=mask)
        return pa.DictionaryArray.from_arrays(codes, column.categories).dictionary_decode()
    if column.type == "boolean":
        return pa.array(random.integers(0, 2, count).astype(bool), mask=mask)
    if column.type == "timestamp":
        return pa.array(random.integers(10**15, 2 * 10**15, count), pa.timestamp("us"), mask=mask)
    low, high = max(column.bounds[0], -1e6), min(column.bounds[1], 1e6)
    if column.type == "integer":
        return pa.array(random.integers(int(low), int(high) + 1, count), mask=mask)
    return pa.array(random.uniform(low, high, count).round(3), mask=mask)


def copy(source: Path, target: Path) -> None:
    with pq.ParquetFile(source, pre_buffer=False) as file:
        with pq.ParquetWriter(target, file.schema_arrow) as writer:
            for batch in file.iter_batches(CHUNK):
                writer.write_batch(batch)


def _python(*words: object) -> list[str]:
    return [sys.executable, "-m", *map(str, words)]


def _say(measured: Measured) -> Measured:
    print(measured, flush=True)
    return measured


def _options() -> argparse.Namespace:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("--model", default="quality-classification")
    line.add_argument("--rows", type=int, default=10_000_000)
    line.add_argument("--mlflow-rows", type=int, default=250_000, help="0: without MLflow")
    line.add_argument("--build", default=os.environ.get("SWARMLINE_BUILD") or "build")
    line.add_argument("--folder", default="build/bench/scoring", help="where tables are drawn")
    line.add_argument("--copy", nargs=2, help=argparse.SUPPRESS)
    return line.parse_args()


if __name__ == "__main__":
    sys.exit(main())
