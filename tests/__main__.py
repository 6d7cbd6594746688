"""Runs the tests as `make test` and `make test-swarm` ask for them, with a report for Jenkins.

    python -m tests [--swarm]

Of the environment: FAST=1 leaves out the slow ones, and those that have passed with the very same inputs (AGAIN=1 runs
them, too); TESTS names files and options of pytest, which run in one process; ALL=1 takes in what CI has no time for.
COVERAGE=1 measures where all run, and otherwise shows what was measured when they did.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.command.options import FLAG, Outside, parsed
from tests.support import ROOT, coverage_report, known
from tests.support.machine import cache

#: So many files are worth the start of several processes.
MANY = 20
#: How pytest ends that ran to its end: all passed, some failed, none was asked for.
RAN = (0, 1, 5)


def command(options: argparse.Namespace, report: Path) -> list[str]:
    left_out = [] if options.all else ["not thorough"]
    left_out += ["not slow"] if options.fast and not options.swarm else []
    words = [sys.executable, "-m", "pytest", f"--junit-xml={report}"]
    return words + (["-m", " and ".join(left_out)] if left_out else [])


def run(options: argparse.Namespace, reports: Path) -> int:
    report = reports / ("swarm.xml" if options.swarm else "tests.xml")
    words, asked = command(options, report), shlex.split(os.environ.get("TESTS", ""))
    if options.swarm:
        return pytest([*words, "tests/swarm"])
    if options.fast and not asked and known.is_known(ROOT):
        return changed(words, options, report)
    figures = reports / "coverage.json"
    figures.unlink(missing_ok=True)
    code = pytest([*words, *coverage(options, reports), *(asked or side_by_side())])
    if figures.exists():
        coverage_report.main(figures)
    return code


def changed(words: Sequence[str], options: argparse.Namespace, report: Path) -> int:
    """Runs the test files that have not passed yet as everything is now."""
    tree = known.Tree(ROOT)
    keys = {file: tree.key(file, words[4:]) for file in tree.tests()}
    passed = {} if options.again else known.recall(keys)
    rest = {file: key for file, key in keys.items() if file not in passed}
    print(f"{len(passed)} of {len(keys)} test files have passed with these very inputs;", end=" ")
    print("AGAIN=1 runs them all the same", flush=True)
    report.unlink(missing_ok=True)
    measured = [] if passed else coverage(options, report.parent)
    beside = side_by_side() if len(rest) > MANY else []
    code = pytest([*words, *measured, *beside, *map(str, rest)]) if rest else 0
    if code in RAN and report.is_file():
        # What changed meanwhile may not have been read as it is now.
        tree = known.Tree(ROOT)
        known.remember(
            report, {file: key for file, key in rest.items() if tree.key(file, words[4:]) == key}
        )
    known.complete(report, passed.values())
    if options.coverage:
        keep_coverage(report.parent / "coverage", bool(measured))
    return 0 if passed and code == 5 else code


def side_by_side() -> list[str]:
    """Three processes more than there are cores: most of the time a test waits, for a Swarm, a server, a command.
    tests/conftest.py says what shares one."""
    return [f"--numprocesses={(os.cpu_count() or 1) + 3}", "--no-loadscope-reorder"]


def coverage(options: argparse.Namespace, reports: Path) -> list[str]:
    if not options.coverage:
        return []
    pages = (f"html:{reports}/coverage", f"json:{reports}/coverage.json")
    return ["--cov", *(f"--cov-report={page}" for page in pages)]


def keep_coverage(place: Path, is_new: bool) -> None:
    """A part of the tests would measure a part: what all of them measured last is shown until they all run again."""
    cached = cache() / "coverage"
    source, target = (place, cached) if is_new else (cached, place)
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        print(
            f"coverage: {'kept in' if is_new else 'as all tests measured it last, from'} {cached}"
        )


def pytest(words: Sequence[str]) -> int:
    """In the foreground: Ctrl-C reaches it as well, a word to end is handed on, and its end is waited for."""
    with subprocess.Popen(words) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("--swarm", action="store_true", help="the tests on a real Swarm")
    for name in ("fast", "coverage", "all", "again"):
        parser.add_argument(f"--{name}", action="store_true", default=Outside(name.upper(), FLAG))
    options = parsed(parser, arguments)
    reports = Path(os.environ.get("SWARMLINE_REPORTS") or "build/reports")
    reports.mkdir(parents=True, exist_ok=True)
    return run(options, reports)


if __name__ == "__main__":
    sys.exit(main())
