"""Runs a check, unless it has passed before with the very same inputs: then it says so and takes no time.

    python -m tests.support.once NAME [--makes FILE] --reads PATH... -- COMMAND...

Inputs are the Python files in PATH, the configuration of the tools, the versions of all that is installed, and the
command itself. What passed is kept in ~/.cache/swarmline/passed, so it outlives the workspace of a build. A failure is
never kept. AGAIN=1 runs it all the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.support.machine import cache

#: Each file in which one of the tools may find its settings; one that is not there is an input too.
CONFIGURATION = (
    "pyproject.toml", "setup.cfg", "tox.ini", "mypy.ini", ".mypy.ini",
    "pylintrc", ".pylintrc", "pylintrc.toml", ".pylintrc.toml", ".bandit",
)  # fmt: skip
#: Variables that tools listen to.
PREFIXES = ("MYPY", "PYLINT", "BANDIT", "PYTHON")
#: These change nothing of what they say. One machine sets them, a build on it does not, and would check all again.
NO_INPUT = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
SUFFIXES = {".py", ".pyi"}
#: As many passes are remembered; the oldest goes first.
KEPT = 4000


def files(paths: Iterable[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        below = path.rglob("*") if path.is_dir() else [path]
        yield from sorted(file for file in below if file.suffix in SUFFIXES and file.is_file())


def tools() -> list[str]:
    """Python and every installed package, each with its version."""
    packages = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    return [sys.version, *sorted(path.name for path in packages)]


def key(command: Sequence[str], paths: Sequence[str]) -> str:
    names = sorted(
        name for name in os.environ if name.startswith(PREFIXES) and name not in NO_INPUT
    )
    variables = [f"{name}={os.environ[name]}" for name in names]
    digest = hashlib.sha256(repr([list(command), list(paths), variables, tools()]).encode())
    for path in (*map(Path, CONFIGURATION), *files(paths)):
        content = path.read_bytes() if path.is_file() else b"\0"
        digest.update(f"\n{path} {len(content)}\n".encode() + content)
    return digest.hexdigest()


class Passed:
    """What one check has passed with; beside each, the report that it made."""

    def __init__(self, name: str) -> None:
        self.name, self.folder = name, cache() / "passed"

    def before(self, inputs: str, makes: Path | None) -> bool:
        """Whether it has; its report is then where it would have been made."""
        stamp = self._stamp(inputs)
        if not stamp.is_file():
            return False
        if makes is not None:
            makes.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(stamp, makes)
        return True

    def keep(self, inputs: str, makes: Path | None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".")
        with os.fdopen(handle, "wb") as new:
            new.write(makes.read_bytes() if makes is not None else b"")
        Path(name).replace(self._stamp(inputs))
        stamps = sorted(self.folder.iterdir(), key=lambda file: -file.stat().st_mtime)
        for old in stamps[KEPT:]:
            old.unlink(missing_ok=True)

    def _stamp(self, inputs: str) -> Path:
        return self.folder / f"{self.name}-{inputs}"


def once(name: str, command: Sequence[str], paths: Sequence[str], makes: Path | None) -> int:
    inputs, passed = key(command, paths), Passed(name)
    if not os.environ.get("AGAIN") and passed.before(inputs, makes):
        print(f"{name}: has passed with these very inputs; AGAIN=1 runs it all the same")
        return 0
    code = subprocess.run(command, check=False).returncode
    # A file that was changed meanwhile may not have been read as it is now.
    if code == 0 and key(command, paths) == inputs:
        try:
            passed.keep(inputs, makes)
        except OSError as error:
            print(f"{name}: passed, and will run again: {error}", file=sys.stderr)
    return code


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.once", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--makes", type=Path, help="a report that has to be there in either case")
    parser.add_argument("--reads", nargs="+", required=True, help="files, and folders of files")
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:end])
    if not arguments[end + 1 :]:
        parser.error("which command? it stands after --")
    return once(options.name, arguments[end + 1 :], options.reads, options.makes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
