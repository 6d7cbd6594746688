"""At every change of a file: the checks and the fast tests that it concerns, a bell, and a verdict of one line.

python -m tests.support.watch [--slow]
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import watchfiles

from outside.values import FLAG, Outside
from scripts.command.options import parsed
from tests.support.concerned import concerned_tests
from tests.support.imports import PACKAGES

MADE = {".pyc", ".swp"}
SKIPPED = {"build", "__pycache__", "node_modules"}
#: A change here can make any check say something else.
EVERYTHING = {"pyproject.toml", "Makefile"}
GREEN, RED, PLAIN = ("\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


class Job(NamedTuple):
    name: str
    command: list[str]


class Outcome(NamedTuple):
    name: str
    good: bool
    output: str


def jobs(root: Path, changed: Iterable[Path], slow: bool) -> list[Job]:
    """What to run for changed files, given relative to the root; the quick ones first."""
    changed = sorted(changed)
    if any(str(path) in EVERYTHING or path.parts[0] == "requirements" for path in changed):
        return [Job("check", ["make", "check"])]
    python = [str(path) for path in changed if path.suffix == ".py" and (root / path).is_file()]
    tests = [str(path) for path in concerned_tests(root, changed)]
    chosen = [Job("laws", _pytest(["tests/test_import_law.py", "tests/test_documents.py"]))]
    if python:
        chosen.insert(0, Job("style", _module("black", "--check", "--quiet", *python)))
    if tests:
        chosen.append(Job("tests", _pytest(tests, *([] if slow else ["-m", "not slow"]))))
    if any(path.suffix == ".py" and path.parts[0] in PACKAGES for path in changed):
        chosen.append(Job("types", _module("mypy", *(f"--package={name}" for name in PACKAGES))))
    if python:
        chosen.append(Job("lint", _module("pylint", "--score=n", *python)))
    return chosen


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _pytest(files: list[str], *options: str) -> list[str]:
    return _module("pytest", "-q", "--no-header", *options, *files)


def run(root: Path, job: Job) -> Outcome:
    done = subprocess.run(
        job.command, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )  # fmt: skip
    # 5 is pytest's word for: every test that was chosen is a slow one.
    good = done.returncode == 0 or (job.name == "tests" and done.returncode == 5)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    name = f"tests ({last.strip('= ')})" if job.name == "tests" else job.name
    return Outcome(name, good, done.stdout)


def verdict(outcomes: list[Outcome], seconds: float) -> str:
    bad = [outcome.name for outcome in outcomes if not outcome.good]
    names = ", ".join(bad or [outcome.name for outcome in outcomes])
    word = f"{RED}FAILED{PLAIN}" if bad else f"{GREEN}ok{PLAIN}"
    return f"\a{word}: {names}; {seconds:.1f} s"


def changes(root: Path) -> Iterator[set[Path]]:
    """Changed files, relative to the root, at least every half second. Ends with Ctrl-C."""
    folders = [path for path in root.iterdir() if path.is_dir() and _is_watched(path.name)]
    # The root by itself, so that the thousands of folders in .venv are not watched.
    for pair in zip(_listen([root], False), _listen(folders, True), strict=False):
        yield {path.relative_to(root) for path in sources(pair, root)}


def _listen(paths: list[Path], below: bool) -> Iterator[set[watchfiles.main.FileChange]]:
    return watchfiles.watch(
        *paths, recursive=below, yield_on_timeout=True, rust_timeout=250, raise_interrupt=False
    )


def sources(events: Iterable[set[watchfiles.main.FileChange]], root: Path) -> Iterator[Path]:
    """Ours of the files that changed; a folder that is new may have had files before it was watched."""
    for _, name in itertools.chain.from_iterable(events):
        path = Path(name)
        for file in path.rglob("*") if path.is_dir() and path != root else [path]:
            parts = file.relative_to(root).parts
            if all(map(_is_watched, parts)) and file.suffix not in MADE and not file.is_dir():
                yield file


def _is_watched(name: str) -> bool:
    return name not in SKIPPED and (not name.startswith(".") or name == ".ci")


def watch(root: Path, slow: bool, say: Callable[[str], None]) -> None:
    """Says that it watches only once it does: what changes after that is seen."""
    ready = False
    for changed in changes(root):
        if not ready:
            ready = True
            say("watching; Ctrl-C ends it")
        if changed:
            judge(root, changed, slow, say)


def judge(root: Path, changed: set[Path], slow: bool, say: Callable[[str], None]) -> None:
    start = time.monotonic()
    say(f"changed: {', '.join(map(str, sorted(changed)))}")
    outcomes = [run(root, job) for job in jobs(root, changed, slow)]
    for outcome in outcomes:
        if not outcome.good:
            say(outcome.output)
    say(verdict(outcomes, time.monotonic() - start))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.watch", description=__doc__)
    parser.add_argument(
        "--slow", action="store_true", default=Outside("SLOW", FLAG), help="run slow tests too"
    )
    options = parsed(parser, None)
    watch(Path.cwd(), options.slow, lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
