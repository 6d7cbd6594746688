"""What a release changes is read from what is in the image, and held against what serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.command import checkout as git
from scripts.image import changes
from tests.support.scripts.checkout import checkout, commit
from tests.support.scripts.checkout import git as run_git
from tests.support.scripts.checkout import write

CHAMPION = {"version": "1", "bundle": "b1", "gates": "5 of 5 passed", "trained_by": "jenkins-7"}
BEFORE: dict[str, Any] = {
    "code": "one", "lock": "l", "base_layers": "b", "commit": "a" * 40,
    "models": {"late": {"champion": CHAMPION}, "gone": {"champion": {"version": "4"}}},
}  # fmt: skip
LATE_3 = {**CHAMPION, "version": "3", "bundle": "b3", "trained_at": "2026-01-02T03:04:05+00:00"}


def models(after: dict[str, Any]) -> list[str]:
    return changes.compare("r-1", BEFORE, "r-2", {**BEFORE, "models": after}, []).models


def test_a_version_that_replaces_another_is_told_with_gates_and_who_trained_it():
    (line,) = models({**BEFORE["models"], "late": {"champion": LATE_3}})
    assert line == (
        "late: version 3 instead of 1 (gates 5 of 5 passed, trained by jenkins-7, at 2026-01-02 03:04)"
    )


def test_a_model_that_stays_is_not_told_of():
    assert models(BEFORE["models"]) == []


def test_a_challenger_beside_a_champion_that_stays_is_told_as_such():
    late = {"champion": CHAMPION, "challenger": LATE_3}
    (line,) = models({**BEFORE["models"], "late": late})
    assert line.startswith("late (challenger): version 3 is new")


def test_a_model_that_goes_is_told():
    assert models({"late": BEFORE["models"]["late"]}) == ["gone: version 4 is served no longer"]


def test_a_version_of_another_mlflow_with_the_same_number_is_another():
    (line,) = models({**BEFORE["models"], "late": {"champion": {**CHAMPION, "bundle": "b9"}}})
    assert line.startswith("late: version 1 instead of 1")


def test_the_commits_of_the_image_s_code_since_then_are_told(tmp_path: Path):
    root = checkout(tmp_path)
    old = run_git(root, "rev-parse", "HEAD").strip()
    write(root / "service/__main__.py", "print('serves better')\n")
    commit(root)
    new = run_git(root, "rev-parse", "HEAD").strip()
    commits = git.commits_between(root, old, new, *changes.PATHS)
    after = {**BEFORE, "code": "two"}
    assert changes.compare("r-1", BEFORE, "r-2", after, commits).code == [f"{new[:7]} a change (a)"]


def test_a_commit_that_is_not_known_here_is_named(tmp_path: Path):
    root = checkout(tmp_path)
    commits = git.commits_between(root, "a" * 40, "b" * 40, *changes.PATHS)
    after = {**BEFORE, "code": "two", "commit": "b" * 40}
    (line,) = changes.compare("r-1", BEFORE, "r-2", after, commits).code
    assert line == f"commit {'b' * 10}, and what serves is of {'a' * 10}"


def test_other_parts_of_the_image_are_told():
    after = {**BEFORE, "lock": "m", "base_layers": "c", "base": "python:3.11"}
    assert changes.compare("r-1", BEFORE, "r-2", after, []).code == [
        "other versions of what is installed in the image",
        "another base image (python:3.11)",
    ]


def test_the_first_release_has_nothing_beside_it():
    first = changes.compare("", {}, "r-1", BEFORE, None)
    words = changes.in_words(first._asdict())
    assert words.startswith("r-1, the first: gone: version 4 is new; late: version 1 is new (")
