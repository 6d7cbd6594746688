"""How far a build goes, by what changed since the last one and by whose it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.ci import scope
from scripts.command.checkout import changed_since


def word(changed: list[str] | None, **environ: str) -> str:
    return scope.scope(environ, changed)[0]


@pytest.mark.parametrize("changed", [None, [], ["service/app.py"], ["docs/a.md", "stack.yml"]])
def test_main_releases_what_may_have_changed(changed: list[str] | None) -> None:
    assert word(changed, BRANCH_NAME="main") == "release"


def test_a_plain_job_without_branches_is_main() -> None:
    assert word(None) == "release"


@pytest.mark.parametrize("who", [{"BRANCH_NAME": "x"}, {"BRANCH_NAME": "PR-1", "CHANGE_ID": "1"}])
def test_branches_and_pull_requests_only_rehearse(who: dict[str, str]) -> None:
    assert word(["service/app.py"], **who) == "rehearsal"


def test_a_site_releases_from_the_branch_that_it_names() -> None:
    assert word(None, BRANCH_NAME="live/eu", SWARMLINE_BRANCH="live/eu") == "release"
    assert word(None, BRANCH_NAME="main", SWARMLINE_BRANCH="live/eu") == "rehearsal"


def test_documents_alone_train_and_deploy_nothing_and_it_says_so() -> None:
    how_far, why = scope.scope({"BRANCH_NAME": "main"}, ["README.md", "docs/a.html", "LICENSE"])
    assert how_far == "documents"
    assert why.startswith("only documents changed (LICENSE, README.md, docs/a.html): nothing is")


@pytest.mark.parametrize("asked", [{"REASON": "drift"}, {"FORCE": "true"}, {"MODEL": "x"}])
def test_who_asks_for_a_training_gets_one_whatever_changed(asked: dict[str, str]) -> None:
    assert word(["README.md"], **asked) == "release"


def test_a_commit_that_this_clone_lacks_hides_no_change(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert changed_since(tmp_path, "0" * 40) is None
