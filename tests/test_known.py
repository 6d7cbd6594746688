"""A test file that passed is not run again in a fast run, as long as nothing that it depends on has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support import ROOT

#: What runs tests, in a checkout that has only these.
RUNNER = (
    "scripts/__init__.py", "scripts/command/files.py", "scripts/command/options.py", "scripts/command/outcome.py",
    "tests/__init__.py", "tests/__main__.py", "tests/support/__init__.py", "tests/support/imports.py",
    "tests/support/coverage_report.py", "tests/support/known.py", "tests/support/machine.py", "tests/support/once.py",
)  # fmt: skip
#: Each notes that it ran.
NOTE = "open('ran', 'a').write(__name__[-1])\n"
IMPORTING = f"import service.inner\n\ndef test_it():\n    {NOTE}    assert service.inner.GOOD\n"
STARTING = f"import subprocess\n\ndef test_it():\n    {NOTE}    'python -m service'\n"
PLAIN = f"def test_it():\n    {NOTE}"
PROJECT = """[tool.pytest.ini_options]
markers = ["slow", "thorough"]
[tool.coverage.run]
source = ["service"]
[tool.swarmline.packages]
service = []
scripts = []
"""


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name in RUNNER:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    put(tree, "service/inner.py", "GOOD = True\n")
    put(tree, "service/other.py", "")
    put(tree, "tests/test_i.py", IMPORTING)
    put(tree, "tests/test_s.py", STARTING)
    put(tree, "tests/test_p.py", PLAIN)
    put(tree, "pyproject.toml", PROJECT)
    put(tree, ".gitignore", "__pycache__\nbuild\nran\n.coverage\n")
    put(tree, "Makefile", "")
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    subprocess.run(["git", "add", "."], cwd=tree, check=True)
    return tree


def put(tree: Path, name: str, text: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(text, encoding="utf-8")


def ran(tree: Path, **environ: str) -> str:
    """Which test files a run runs, by their last letter."""
    (tree / "ran").unlink(missing_ok=True)
    variables = {**os.environ, "XDG_CACHE_HOME": str(tree.with_name("cache")), "FAST": "1"}
    # All plugins of the project take longer than these tests.
    variables |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
    command = [sys.executable, "-m", "tests"]
    subprocess.run(command, cwd=tree, env=variables | environ, capture_output=True, check=False)
    note = tree / "ran"
    return "".join(sorted(note.read_text(encoding="ascii"))) if note.exists() else ""


def reported(tree: Path) -> list[str]:
    report = ElementTree.parse(tree / "build/reports/tests.xml")
    return sorted(case.get("classname", "")[-1] for case in report.iter("testcase"))


def test_a_second_run_runs_nothing_and_reports_all(tree: Path) -> None:
    assert (ran(tree), ran(tree), reported(tree)) == ("ips", "", ["i", "p", "s"])


@pytest.mark.parametrize(
    ("name", "text", "again"),
    [
        ("service/inner.py", "GOOD = 1\n", "is"),
        # Who starts the package as a process may run any of it.
        ("service/other.py", "# other\n", "s"),
        ("tests/test_p.py", f"{PLAIN}#\n", "p"),
        ("tests/conftest.py", "", "ips"),
        ("service/page.html", "", "ips"),
        ("docs/new.md", "# New\n", ""),
    ],
)
def test_a_change_runs_again_what_it_concerns(tree: Path, name: str, text: str, again: str) -> None:
    ran(tree)
    put(tree, name, text)
    assert (ran(tree), reported(tree)) == (again, ["i", "p", "s"])


def test_a_failure_is_run_again_until_it_passes(tree: Path) -> None:
    put(tree, "service/inner.py", "GOOD = False\n")
    assert (ran(tree), ran(tree)) == ("ips", "i")


@pytest.mark.parametrize("environ", [{"AGAIN": "1"}, {"FAST": ""}, {"TESTS": "tests"}])
def test_all_are_run_where_they_are_asked_for(tree: Path, environ: dict[str, str]) -> None:
    ran(tree)
    assert ran(tree, **environ) == "ips"


def test_without_git_all_are_run(tree: Path) -> None:
    shutil.rmtree(tree / ".git")
    assert (ran(tree), ran(tree)) == ("ips", "ips")


def test_coverage_is_what_all_tests_measured_last(tree: Path) -> None:
    measuring = {"COVERAGE": "1", "PYTEST_PLUGINS": "pytest_cov.plugin"}
    ran(tree, **measuring)
    page = tree / "build/reports/coverage/index.html"
    measured = page.read_text(encoding="utf-8")
    shutil.rmtree(tree / "build")
    put(tree, "tests/test_p.py", f"{PLAIN}#\n")
    assert (ran(tree, **measuring), page.read_text(encoding="utf-8")) == ("p", measured)
