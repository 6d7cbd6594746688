"""Where the code says that it comes from, and who wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.command.checkout import committers, origin
from tests.support.scripts.checkout import checkout, git


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://git.example/a/b.git", "https://git.example/a/b.git"),
        ("https://me:token@git.example/a/b.git", "https://git.example/a/b.git"),
        ("https://token@git.example/a/b.git", "https://git.example/a/b.git"),
        ("https://me:to@ken@git.example/a/b.git", "https://git.example/a/b.git"),
        ("https://me:to/ken@git.example/a/b.git", ""),
        ("ssh://git@git.example:22/a/b.git", "ssh://git.example:22/a/b.git"),
        ("git@git.example:a/b.git", "git@git.example:a/b.git"),
        ("/home/me/b.git", ""),
        ("file:///home/me/b.git", ""),
    ],
)
def test_the_origin_is_told_without_passwords_and_without_places_of_this_machine(
    tmp_path: Path, address: str, told: str
):
    root = checkout(tmp_path)
    git(root, "remote", "add", "origin", address)
    assert origin(root) == told


def test_a_checkout_without_origin_tells_none(tmp_path: Path):
    assert origin(checkout(tmp_path)) == ""


def commit_by(root: Path, address: str) -> str:
    author = f"Someone <{address}>"
    git(root, "commit", "--quiet", "--allow-empty", "--author", author, "--message", "a change")
    return git(root, "rev-parse", "HEAD").strip()


def test_who_committed_since_the_last_good_build_is_known_by_address(tmp_path: Path):
    root = checkout(tmp_path)
    good = commit_by(root, "before@example.org")
    for address in ("ann@example.org", "bob@example.org", "ann@example.org"):
        commit_by(root, address)
    assert sorted(committers(root, good)) == ["ann@example.org", "bob@example.org"]


def test_without_a_good_build_only_the_last_commit_s_author_is_known(tmp_path: Path):
    root = checkout(tmp_path)
    commit_by(root, "ann@example.org")
    commit_by(root, "bob@example.org")
    assert committers(root, "") == committers(root, "0" * 40) == ["bob@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        "x@users.noreply.git.example",
        "x@host.local",
        "a@b.example, c@d.example",
        "$(touch x)@y",
        "x",
    ],
)
def test_what_is_no_address_that_a_mail_reaches_gets_none(tmp_path: Path, address: str):
    root = checkout(tmp_path)
    commit_by(root, address)
    assert committers(root, "") == []
