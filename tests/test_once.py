"""A check that passed is not run again, as long as nothing that it depends on has changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import ROOT, once

#: Stands for a check: notes that it ran, writes a report, and fails where the code says so.
CHECK = """
import pathlib, sys
with open("ran", "a") as ran:
    ran.write("x")
pathlib.Path("report.xml").write_text("<report/>")
sys.exit("bad" in pathlib.Path("service/app.py").read_text())
"""
Change = Callable[[pytest.MonkeyPatch], object]


@pytest.fixture(name="tree", autouse=True)
def _tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tree = tmp_path / "tree"
    put("pyproject.toml", "", tree)
    put("service/app.py", "", tree)
    put("service/named.py", "", tree)
    (tmp_path / "packages/pylint-4.1.dist-info").mkdir(parents=True)
    monkeypatch.chdir(tree)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AGAIN", raising=False)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / "packages"))
    return tree


def put(name: str, text: str, tree: Path = Path()) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(text, encoding="utf-8")


def check(*arguments: str) -> int:
    own = ["check", "--makes", "report.xml", "--reads", "service"]
    return once.main([*own, "--", sys.executable, "-c", CHECK, *arguments])


def ran() -> int:
    return len(Path("ran").read_text(encoding="ascii"))


def test_a_second_time_it_says_so_and_runs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert (check(), check(), ran()) == (0, 0, 1)
    assert "check: has passed with these very inputs; AGAIN=1" in capfd.readouterr().out


def test_what_changes_no_outcome_is_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    check()
    monkeypatch.setenv("PYTHONUNBUFFERED", "something else")
    assert (check(), ran()) == (0, 1)


def test_its_report_is_there_though_it_did_not_run() -> None:
    check()
    Path("report.xml").unlink()
    check()
    assert (Path("report.xml").read_text(encoding="ascii"), ran()) == ("<report/>", 1)


def test_a_workspace_that_was_wiped_or_is_another_one_needs_no_second_run(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check()
    elsewhere = tree.with_name("elsewhere")
    tree.rename(elsewhere)
    monkeypatch.chdir(elsewhere)
    assert (check(), ran()) == (0, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: put("service/app.py", "# other"),
        lambda _: put("service/inner/new.py", ""),
        lambda _: put("service/app.pyi", ""),
        lambda _: Path("service/named.py").rename("service/other.py"),
        lambda _: put("pyproject.toml", "[tool.pylint]"),
        lambda _: put(".pylintrc", ""),
        lambda _: Path("../packages/pylint-4.1.dist-info").rename("../packages/pylint-4.2.dist-info"),
        lambda patch: patch.setenv("MYPYPATH", "stubs"),
        lambda patch: patch.setattr(sys, "version", "3.99"),
        lambda patch: patch.setenv("AGAIN", "1"),
    ],
    ids=["file", "new", "stub", "name", "configuration", "other", "tool", "variable", "python", "again"],
)  # fmt: skip
def test_any_change_of_an_input_runs_it_again(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    check()
    change(monkeypatch)
    assert (check(), ran()) == (0, 2)


def test_another_command_is_another_check() -> None:
    check()
    check("--strict")
    assert ran() == 2


def test_what_it_does_not_read_changes_nothing() -> None:
    check()
    put("docs/new.md", "# New\n")
    put("service/openapi/pages/docs.css", "")
    assert (check(), ran()) == (0, 1)


def test_a_failure_is_never_kept() -> None:
    put("service/app.py", "bad")
    assert (check(), check(), ran()) == (1, 1, 2)


def test_what_was_good_before_is_still_known() -> None:
    check()
    put("service/app.py", "bad")
    check()
    put("service/app.py", "")
    assert (check(), ran()) == (0, 2)


def test_what_changes_while_it_runs_is_not_taken_for_checked() -> None:
    edit = "open('service/app.py', 'a').write('#'); open('ran', 'a').write('x')"
    for _ in range(2):
        once.main(["check", "--reads", "service", "--", sys.executable, "-c", edit])
    assert ran() == 2


def test_a_cache_that_cannot_be_written_fails_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("", encoding="ascii")
    assert (check(), check(), ran()) == (0, 0, 2)
    assert "check: passed, and will run again: " in capfd.readouterr().err


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "KEPT", 2)
    for text in "abc":
        put("service/app.py", f"# {text}")
        check()
    assert len(list((tmp_path / "cache/swarmline/passed").iterdir())) == 2


OURS = {"outside", "tables", "service", "training", "scripts"}


@pytest.mark.parametrize(
    ("target", "reads"),
    [
        ("check-security", OURS),
        ("check-types", OURS),
        # Pylint gets its eyes and its report from modules of ours.
        (
            "check-lint",
            OURS
            | {"tests/support/lint.py", "tests/support/lint_report.py", "tests/support/imports.py"},
        ),
        ("check-lint-tests", OURS | {"tests"}),
    ],
)
def test_the_checks_of_the_project_name_all_that_they_read(target: str, reads: set[str]) -> None:
    command = ["make", "--dry-run", "--old-file=.venv/.ready", target]
    shown = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout
    assert reads <= set(shown.partition(" --reads ")[2].partition(" -- ")[0].split())


def test_the_check_of_style_reads_every_folder_and_what_lies_in_none(tree: Path) -> None:
    """As Black does, whatever there is."""
    shutil.copy(ROOT / "Makefile", tree)
    put("loose.py", "", tree)
    command = ["make", "--dry-run", "--old-file=.venv/.ready", "check-style"]
    shown = subprocess.run(command, cwd=tree, text=True, capture_output=True, check=True).stdout
    reads = shown.partition(" --reads ")[2].partition(" -- ")[0].split()
    assert {"service/", "loose.py"} <= set(reads)
