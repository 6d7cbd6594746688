"""`python -m tests.bench.soak`: the service at full load for minutes. Memory, files and journal lag must stay flat."""

from __future__ import annotations

import argparse
import os
import re
import sqlite3
import tempfile
import threading
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from scripts.command.options import parsed
from service.bundle.exported import load_models
from tests.bench import contenders, models
from tests.bench.contenders import Running, processes
from tests.bench.wrk import Load, Measured, drive


class Sample(NamedTuple):
    second: int
    pss_megabytes: float
    open_files: int
    spool_megabytes: float
    lag_seconds: float
    shipped: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=20, help="seconds between two samples")
    parser.add_argument("--connections", type=int, default=16)
    options = parsed(parser, None)
    bundles, model = models.trained().bundles, "bench-forest"
    rows = [load_models(bundles)[model].champion.contract.example]
    with tempfile.TemporaryDirectory(prefix="swarmline-soak-") as place:
        folder = Path(place)
        running = Running(contenders.ours(bundles, folder), folder / "log")
        try:
            load = contenders.load_for(running.contender, model, rows)
            measured = soak(running, load, options, folder)
            stored = settled(folder)
        finally:
            running.stop()
    print(f"{measured.requests_per_second:.0f} requests a second, p99 {measured.p99_ms:.0f} ms")
    print(f"{measured.errors} errors; {stored} predictions in the table when the load had ended")
    return 0


def soak(running: Running, load: Load, options: argparse.Namespace, folder: Path) -> Measured:
    """Drives the load beside the samples; a line each."""
    measured: list[Measured] = []
    seconds = options.minutes * 60
    driver = threading.Thread(
        target=lambda: measured.append(drive(load, options.connections, seconds, folder))
    )
    started = time.monotonic()
    driver.start()
    print(
        "| second | PSS MB | open files | spool MB | lag s | shipped |\n|---|---|---|---|---|---|"
    )
    while driver.is_alive():
        print(_line(sample(running, time.monotonic() - started)), flush=True)
        driver.join(options.every)
    return measured[0]


def sample(running: Running, second: float) -> Sample:
    with urllib.request.urlopen(running.contender.url("/metrics"), timeout=30) as answer:
        text = answer.read().decode()
    files = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in processes(running.process.pid))
    return Sample(
        int(second),
        running.pss_megabytes(),
        files,
        _gauge(text, "swarmline_journal_spool_bytes") / 1e6,
        _gauge(text, "swarmline_journal_lag_seconds"),
        int(_gauge(text, "swarmline_journal_shipped_total")),
    )


def _gauge(text: str, name: str) -> float:
    value = re.search(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
    return float(value.group(1)) if value else float("nan")


def _line(sampled: Sample) -> str:
    return (
        f"| {sampled.second} | {sampled.pss_megabytes:.0f} | {sampled.open_files} | {sampled.spool_megabytes:.1f}"
        f" | {sampled.lag_seconds:.1f} | {sampled.shipped} |"
    )


def settled(folder: Path, deadline: float = 60.0) -> int:
    """How many predictions stand in the table once no more arrive."""
    before, end = -1, time.monotonic() + deadline
    while time.monotonic() < end:
        with closing(sqlite3.connect(folder / "journal.db")) as connection:
            (count,) = connection.execute("SELECT count(*) FROM prediction").fetchone()
        if count == before:
            break
        before = int(count)
        time.sleep(2)
    return before


if __name__ == "__main__":
    main()
