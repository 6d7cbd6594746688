"""How a whole training grows with its rows: seconds, seconds of CPU and memory of `train`, by number of rows.

python -m tests.bench.rows [--rows 10000 100000 1000000 5000000] [--figures FILE]

The rows are of the sample farm, thirteen columns, as a Parquet file; the spec is yield-prediction's with that source.
FILE gets the figures as a table between its marks `rows`.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from training.data.sample_farm import farm
from training.spec.load import FOLDER as SPECS

FOLDER = Path("build/bench/rows")
MODEL = "yield-prediction"
MARKS = ("<!-- rows -->\n", "<!-- /rows -->\n")
SIZES = [10_000, 100_000, 1_000_000, 5_000_000]


class Cost(NamedTuple):
    """What one training took; `cpu_seconds` are of all its processes, `gigabytes` of the largest."""

    rows: int
    seconds: float
    cpu_seconds: float
    gigabytes: float
    loaded: float

    @property
    def line(self) -> str:
        return (
            f"| {self.rows:,} | {self.seconds:.0f} | {self.cpu_seconds:.0f} | {self.gigabytes:.1f}"
            f" | {self.loaded:.0f} |"
        )


HEAD = "| rows | seconds | seconds of CPU | peak memory, GB | load of the machine before |\n|---|---|---|---|---|"


def write_spec(folder: Path, rows: int) -> Path:
    """The shipped spec, its rows from a file, in a folder of its own."""
    source = folder / "rows.parquet"
    farm(rows).to_parquet(source, index=False)
    text = (SPECS / f"{MODEL}.toml").read_text(encoding="utf-8")
    text = text.replace('source = "sample:farm"', f'source = "{source}"')
    path = folder / f"{MODEL}.toml"
    path.write_text(re.sub(r"(?m)^rows = .*\n", "", text), encoding="utf-8")
    return path


def measure(rows: int) -> Cost:
    """Each in a process of this one's that it alone has, since children's peak memory is kept for ever."""
    folder = FOLDER.resolve() / str(rows)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    spec = write_spec(folder, rows)
    loaded, before = os.getloadavg()[0], resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {
        **os.environ,
        "SWARMLINE_BUILD": str(folder / "build"),
        "MLFLOW_TRACKING_URI": "",
    }
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "training", "train", spec], env=environment, check=True)
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shutil.rmtree(folder)
    return Cost(rows, seconds, cpu, after.ru_maxrss / 1e6, loaded)


def write_figures(path: Path, table: str) -> None:
    text, (start, end) = path.read_text(encoding="utf-8"), MARKS
    before, after = text.partition(start)[0], text.partition(end)[2]
    path.write_text(f"{before}{start}{table}\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", nargs="+", type=int, default=SIZES)
    parser.add_argument("--figures", type=Path, help="a document with the marks `rows`")
    arguments = parser.parse_args()
    costs = []
    # From few to many: the peak of an earlier child would hide that of a smaller one.
    for rows in sorted(arguments.rows):
        costs.append(measure(rows))
        print(costs[-1].line, flush=True)
    table = "\n".join([HEAD, *(cost.line for cost in costs)])
    print(table)
    if arguments.figures:
        write_figures(arguments.figures, table)


if __name__ == "__main__":
    main()
