"""Which test files have passed with the very same inputs, so that a build need not run them again.

A test file's inputs are the files that it imports, however far off, the packages that it starts as processes, all files
that are not Python, the packages installed, the programs of this machine, and how the tests are run. A file that looks
through folders, or that runs make, may read anything. What is not in the checkout and decides all the same (a network,
a clock) is for the nightly run of all tests. Only for tests that train nothing and start nothing (`make test-fast`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from tests.support.imports import OURS, PACKAGES, files_behind, imports_of, python_files
from tests.support.once import Passed, tools

#: A test that says one of these reads more of the tree than it imports.
LOOKS_AROUND = re.compile(
    r"\bglob\(|\brglob\(|\biterdir\(|python_files\(|[\"']make[\"']|copytree\("
)
STARTS = re.compile(r"subprocess|Popen|[\"']-m[\"']")
PROGRAMS = ("make", "git", "haproxy", "groovy", "java", "chromium", "docker", "psql", "sh", "bash")


class Tree:
    """The files of a checkout, each with its hash, and what each test file depends on."""

    def __init__(self, root: Path):
        self.root = root
        self._closures: dict[Path, frozenset[Path]] = {}
        self._imports: dict[Path, set[Path]] = {}
        self._texts: dict[Path, str] = {}

    @cached_property
    def hashes(self) -> dict[Path, str]:
        """Of every file that is not ignored: as it is now, committed or not."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=True)
        paths = sorted({Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name})
        return {
            path: hashlib.sha256((self.root / path).read_bytes()).hexdigest()
            for path in paths
            if (self.root / path).is_file()
        }

    @cached_property
    def machine(self) -> list[str]:
        return [*tools(), *machine()]

    def tests(self) -> list[Path]:
        return [path for path in python_files(self.root) if path.name.startswith("test_")]

    def imported(self, test: Path) -> set[Path]:
        """What running a test file imports, however far off, itself and its conftests included."""
        conftests = [folder / "conftest.py" for folder in test.parents]
        files = [test, *(file for file in conftests if (self.root / file).is_file())]
        return set().union(*map(self._closure, files))

    def mentioning(self, words: list[str]) -> list[Path]:
        """The Python files in which one of the words stands."""
        files = python_files(self.root) if words else []
        return [file for file in files if any(word in self._text(file) for word in words)]

    def inputs(self, test: Path) -> set[Path]:
        """Everything in the checkout that the test file may depend on."""
        files = self.imported(test)
        words = "\n".join(self._text(file) for file in sorted(files) if file.parts[0] == "tests")
        if LOOKS_AROUND.search(words):
            return set(self.hashes)
        if STARTS.search(words):
            for package in PACKAGES:
                if re.search(rf"\b{package}\b", words):
                    files |= self._package(package)
        # A document counts for who reads documents; a Python file that is only named may be run.
        files |= {
            path
            for path in self.hashes
            if (path.suffix not in (".py", ".md"))
            or (path.suffix == ".md" and ".md" in words)
            or (path.suffix == ".py" and path.name in words)
        }
        return files & self.hashes.keys()

    def key(self, test: Path, command: Sequence[str]) -> str:
        content = [(str(path), self.hashes[path]) for path in sorted(self.inputs(test))]
        text = repr([list(command), self.machine, str(test), content])
        return hashlib.sha256(text.encode()).hexdigest()

    def _package(self, name: str) -> set[Path]:
        files = [path for path in python_files(self.root) if path.parts[0] == name]
        return set().union(*map(self._closure, files))

    def _closure(self, file: Path) -> frozenset[Path]:
        """What importing a file executes, itself included."""
        if file not in self._closures:
            seen, ahead = {file}, [file]
            while ahead:
                new = self._imported(ahead.pop()) - seen
                seen |= new
                ahead += new
            self._closures[file] = frozenset(seen)
        return self._closures[file]

    def _imported(self, file: Path) -> set[Path]:
        if file not in self._imports:
            names = {imported.name for imported in imports_of(self.root, file)}
            ours = [name for name in names if name.partition(".")[0] in OURS]
            self._imports[file] = {path for name in ours for path in files_behind(self.root, name)}
        return self._imports[file]

    def _text(self, file: Path) -> str:
        if file not in self._texts:
            self._texts[file] = (self.root / file).read_text(encoding="utf-8")
        return self._texts[file]


def is_known(root: Path) -> bool:
    """Whether Git can tell the files of a checkout; without, all tests run."""
    if shutil.which("git") is None:
        return False
    command = ["git", "ls-files", "--error-unmatch", "Makefile"]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0


def machine() -> list[str]:
    """The programs that tests use where they are there, each as it is installed; and whether this is root."""
    programs = [str(os.geteuid())]
    for name in PROGRAMS:
        place = shutil.which(name)
        about = os.stat(place) if place else None
        programs.append(f"{name} {(about.st_size, about.st_mtime_ns) if about else 'none'}")
    return programs


def cases_by_file(report: Path, files: Iterable[Path]) -> dict[Path, list[ElementTree.Element]]:
    """The test cases of a report, each with the file that it stands in."""
    by_name = {".".join(file.with_suffix("").parts): file for file in files}
    by_file: dict[Path, list[ElementTree.Element]] = {file: [] for file in by_name.values()}
    for case in ElementTree.parse(report).iter("testcase"):
        parts = (case.get("classname") or "").split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        file = next((by_name[name] for name in names if name in by_name), None)
        if file is not None:
            by_file[file].append(case)
    return by_file


def remember(report: Path, keys: dict[Path, str]) -> None:
    """Keeps each test file of a report in which nothing failed or was left out, with its cases."""
    for file, cases in cases_by_file(report, keys).items():
        if any(
            case.find(word) is not None
            for case in cases
            for word in ("failure", "error", "skipped")
        ):
            continue
        suite = ElementTree.Element("testsuite", name=str(file), tests=str(len(cases)))
        suite.extend(cases)
        with tempfile.NamedTemporaryFile(suffix=".xml") as part:
            ElementTree.ElementTree(suite).write(part.name)
            _passed(file).keep(keys[file], Path(part.name))


def recall(keys: dict[Path, str]) -> dict[Path, ElementTree.Element]:
    """The test files that have passed with these inputs, each with what it reported then."""
    suites = {}
    with tempfile.TemporaryDirectory() as folder:
        for file, key in keys.items():
            place = Path(folder, "report.xml")
            if _passed(file).before(key, place):
                suites[file] = ElementTree.parse(place).getroot()
    return suites


def _passed(file: Path) -> Passed:
    return Passed(str(file).replace("/", "+"))


def complete(report: Path, suites: Iterable[ElementTree.Element]) -> None:
    """Adds what was not run again to a report, as it was reported when it ran; starts one where nothing ran."""
    root = (
        ElementTree.parse(report).getroot()
        if report.is_file()
        else ElementTree.Element("testsuites")
    )
    root.extend(suites)
    ElementTree.ElementTree(root).write(report, encoding="utf-8", xml_declaration=True)
