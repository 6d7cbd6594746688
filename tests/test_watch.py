"""`make watch`: picks what a change concerns, and says one line; tried on a copy of a small tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from watchfiles import Change

from tests.support import ROOT
from tests.support.concerned import concerned_tests
from tests.support.watch import Job, Outcome, jobs, run, sources, verdict

SECONDS = 120
TREE = {
    "service/__init__.py": "",
    "service/bundle/contract.py": "def double(number):\n    return 2 * number\n",
    "service/bundle/engines.py": "import service.bundle.contract\n",
    "service/plan.py": "PLAN = 'schema.sql'\n",
    "service/schema.sql": "select 1;\n",
    "training/__init__.py": "",
    "training/models/farm-yield.toml": "",
    "training/spec/values.py": "def find():\n    from service.bundle import engines\n",
    "tests/__init__.py": "",
    "tests/test_import_law.py": "def test_law():\n    assert 2 > 1\n",
    "tests/test_documents.py": "def test_documents():\n    assert 2 > 1\n",
    "tests/service/__init__.py": "",
    "tests/service/conftest.py": "",
    "tests/service/test_contract_numbers.py": "def test_nothing():\n    assert 2 > 1\n",
    "tests/service/test_double.py": "from service.bundle.contract import double\n\n\n"
    "def test_double():\n    assert double(2) == 4\n",
    "tests/service/test_plan.py": "import service.plan\n",
    "tests/training/__init__.py": "",
    "tests/training/test_spec.py": "from training.spec import values\nMODEL = 'farm-yield'\n",
}
CONTRACT = ["tests/service/test_contract_numbers.py", "tests/service/test_double.py"]


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("service/bundle/contract.py", [*CONTRACT, "tests/training/test_spec.py"]),
        ("service/bundle/engines.py", ["tests/training/test_spec.py"]),
        ("service/schema.sql", ["tests/service/test_plan.py"]),
        ("training/models/farm-yield.toml", ["tests/training/test_spec.py"]),
        ("tests/service/test_double.py", ["tests/service/test_double.py"]),
        ("tests/service/conftest.py", [*CONTRACT, "tests/service/test_plan.py"]),
        ("README.md", []),
    ],
)
def test_a_change_concerns_what_mirrors_imports_or_mentions_it(
    tree: Path, changed: str, tests: list[str]
):
    assert [str(path) for path in concerned_tests(tree, [Path(changed)])] == tests


def test_a_removed_module_still_concerns_its_tests(tree: Path):
    (tree / "service/bundle/contract.py").unlink()
    assert concerned_tests(tree, [Path("service/bundle/contract.py")]) == [Path(CONTRACT[0])]


def names(tree: Path, changed: str) -> list[str]:
    return [job.name for job in jobs(tree, [Path(changed)], slow=False)]


def test_code_is_checked_in_every_way_and_prose_in_one(tree: Path):
    assert names(tree, "service/bundle/contract.py") == ["style", "laws", "tests", "types", "lint"]
    assert names(tree, "README.md") == ["laws"]
    assert names(tree, "pyproject.toml") == ["check"]


def test_what_is_made_is_no_change(tree: Path):
    names = [".venv/x.py", "build/x.xml", "service/__pycache__/x.pyc", ".ci/run", "docs/deep/x.md"]
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    events = {(Change.modified, str(tree / name)) for name in [*names, "docs"]}
    files = {str(path.relative_to(tree)) for path in sources([events], tree)}
    assert files == {".ci/run", "docs/deep/x.md"}


def test_only_slow_tests_are_no_failure(tree: Path):
    assert run(tree, Job("tests", [sys.executable, "-c", "raise SystemExit(5)"])).good
    assert not run(tree, Job("lint", [sys.executable, "-c", "raise SystemExit(5)"])).good


def test_the_verdict_is_one_line_with_a_bell_and_names_what_failed():
    good, bad = Outcome("style", True, ""), Outcome("lint", False, "long\noutput")
    assert verdict([good, bad], 1.26) == "\aFAILED: lint; 1.3 s"
    assert verdict([good], 1.26) == "\aok: style; 1.3 s"


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Path:
    """This project, to be changed as one likes."""
    ignored = shutil.ignore_patterns(
        ".venv*", ".git", "build", "__pycache__", ".*_cache", ".hypothesis"
    )
    return shutil.copytree(ROOT, tmp_path / "copy", ignore=ignored)


@contextmanager
def watching(root: Path) -> Iterator[Iterator[str]]:
    command = [sys.executable, "-m", "tests.support.watch"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        # The deadline: past it the pipe ends, and whoever waits for a line gets none.
        guard = threading.Timer(SECONDS, process.kill)
        guard.start()
        try:
            assert process.stdout is not None
            yield iter(process.stdout.readline, "")
        finally:
            guard.cancel()
            process.terminate()


def until(lines: Iterator[str], start: str) -> str:
    return next((line for line in lines if line.startswith(start)), f"no line starts with {start}")


@pytest.mark.slow
def test_a_change_on_disk_is_judged_and_its_mending_too(copy: Path):
    test = copy / "tests/brand_new/test_sum.py"
    with watching(copy) as lines:
        assert until(lines, "watching") == "watching; Ctrl-C ends it\n"
        test.parent.mkdir()
        test.write_text("def test_sum():\n    assert sum([2, 2]) == 5\n")
        assert until(lines, "changed") == "changed: tests/brand_new/test_sum.py\n"
        assert until(lines, "\a").startswith("\aFAILED: tests (1 failed")
        test.write_text("def test_sum():\n    assert sum([2, 2]) == 4\n")
        assert until(lines, "\a").startswith("\aok: style, laws, tests (1 passed")
