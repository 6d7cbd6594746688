"""A real Dask cluster: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support import ROOT
from tests.support.processes import spawned, wait_until


class Cluster(NamedTuple):
    address: str
    workers: list[subprocess.Popen[str]]


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    file = folder / "scheduler.json"
    with ExitStack() as stack:

        def start(command: str, *arguments: str) -> subprocess.Popen[str]:
            line = [sys.executable, "-m", f"distributed.cli.{command}", *arguments]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            return stack.enter_context(spawned(line, ROOT, dict(os.environ), **quiet))

        start(
            "dask_scheduler",
            "--host=127.0.0.1",
            "--port=0",
            "--no-dashboard",
            f"--scheduler-file={file}",
        )
        wait_until(file.exists, "the scheduler's file")
        address = wait_until(lambda: _address(file), "the scheduler's address")
        workers = [
            start(
                "dask_worker",
                address,
                "--no-nanny",
                "--nthreads=1",
                "--no-dashboard",
                f"--name={name}",
            )
            for name in ("first", "second")
        ]
        yield Cluster(address, workers)


def _address(file: Path) -> str:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["address"])
    except json.JSONDecodeError:
        return ""
