"""Runs the tests as `make test` and `make test-swarm` ask for them, with a report for Jenkins.

    python -m tests [--swarm]

Of the environment: FAST=1 leaves out the slow ones, COVERAGE=1 measures, TESTS names files and options of pytest;
ALL=1 takes in what CI has no time for.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.options import FLAG, Outside, parsed


def command(options: argparse.Namespace, reports: Path) -> list[str]:
    left_out = [] if options.swarm and options.all else ["not thorough"]
    left_out += ["not slow"] if options.fast and not options.swarm else []
    name = "swarm" if options.swarm else "tests"
    words = [sys.executable, "-m", "pytest", f"--junit-xml={reports}/{name}.xml"]
    words += ["-m", " and ".join(left_out)] if left_out else []
    if options.swarm:
        return [*words, "tests/swarm"]
    words += ["--cov", f"--cov-report=html:{reports}/coverage"] if options.coverage else []
    return [*words, *shlex.split(os.environ.get("TESTS", ""))]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("--swarm", action="store_true", help="the tests on a real Swarm")
    for name in ("fast", "coverage", "all"):
        parser.add_argument(f"--{name}", action="store_true", default=Outside(name.upper(), FLAG))
    options = parsed(parser, arguments)
    reports = Path(os.environ.get("SWARMLINE_REPORTS") or "build/reports")
    reports.mkdir(parents=True, exist_ok=True)
    return subprocess.run(command(options, reports), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
