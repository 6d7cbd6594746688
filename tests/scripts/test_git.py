"""Where the code says that it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.git import origin
from tests.scripts.checkout import checkout, git


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
