"""What is served is decided twice, by the service and by the scripts: of the same folders they say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.command.outcome import Refused
from scripts.image import exported as bundles
from service.bundle import exported

READERS: list[Callable[[Path], Any]] = [exported.exported, bundles.exported]


def lay(root: Path, folders: str, aliases: Any = None) -> Path:
    """Folders with a manifest, and the aliases beside them, as text where they are to be no JSON."""
    for folder in folders.split():
        (root / folder).mkdir(parents=True)
        (root / folder / "manifest.json").write_text("{}")
    if aliases is not None:
        text = aliases if isinstance(aliases, str) else json.dumps(aliases)
        (root / "aliases.json").write_text(text)
    return root


def refusals(root: Path) -> list[str]:
    sentences = []
    for read in READERS:
        with pytest.raises((exported.BundleError, Refused)) as error:
            read(root)
        sentences.append(str(error.value))
    return sentences


@pytest.mark.parametrize(
    ("folders", "aliases", "expected"),
    [
        ("a/1", {"a": {"champion": "1"}}, {"a": {"champion": "1"}}),
        (
            "a/1 a/2 b/7",
            {"a": {"champion": "1", "challenger": "2"}, "b": {"champion": "7"}},
            {"a": {"champion": "1", "challenger": "2"}, "b": {"champion": "7"}},
        ),
        ("a/1", {"a": {"champion": "1", "challenger": "1"}}, {"a": {"champion": "1"}}),
        ("a/1 a/.2.unfinished .b/1", {"a": {"champion": "1"}}, {"a": {"champion": "1"}}),
    ],
)
@pytest.mark.parametrize("read", READERS)
def test_the_set_is_what_the_aliases_name(
    tmp_path: Path, read: Callable[[Path], Any], folders: str, aliases: Any, expected: Any
):
    assert read(lay(tmp_path, folders, aliases)) == expected


@pytest.mark.parametrize(
    ("folders", "aliases", "words"),
    [
        ("", None, "there is no bundle; `make train`, `make promote` and `make export`"),
        ("", {}, "there is no bundle;"),
        ("a/1", None, "no alias in aliases.json names a/1, so nobody promoted it; `make export`"),
        ("a/1 a/2", {"a": {"champion": "1"}}, "no alias in aliases.json names a/2, so nobody"),
        ("a/1 b/9", {"a": {"champion": "1"}}, "no alias in aliases.json names b/9, so nobody"),
        ("a/1", {"a": {"champion": "2"}}, "no alias in aliases.json names a/1"),
        ("a/1", {"a": {"champion": "1", "challenger": "2"}}, "names a/2, which is not there;"),
        ("a/1", {"a": {"champion": "1"}, "b": {"champion": "3"}}, "names b/3, which is not there"),
        ("a/1", {"a": {"challenger": "1"}}, "a has challenger; it needs a champion"),
        ("a/1", {"a": {}}, "a has no alias; it needs a champion"),
        ("a/1", {"a": {"champion": "1", "best": "1"}}, "a has champion and best; it needs a"),
        ("a/1", {"a": {"champion": "../a/1"}}, "no alias in aliases.json names a/1"),
    ],
)
def test_any_other_folder_is_refused_in_the_same_words(
    tmp_path: Path, folders: str, aliases: Any, words: str
):
    refused = refusals(lay(tmp_path, folders, aliases))
    assert refused[0] == refused[1]
    assert words in refused[0] and re.search("`make (export|promote)`", refused[0])


@pytest.mark.parametrize("aliases", ["", "{", "[]", '{"a": "1"}', '{"a": {"champion": 1}}'])
def test_aliases_that_cannot_be_read_are_refused_by_both(tmp_path: Path, aliases: str):
    for words in refusals(lay(tmp_path, "a/1", aliases)):
        assert words.startswith(f"{tmp_path}/aliases.json: ") and "again" in words
