"""Fonts for words that matplotlib's own font cannot show: those of this machine, since none is bundled."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from training.common.progress import say

OWN = "DejaVu Sans"
#: By how the Unicode names of their letters begin; Debian's names.
PACKAGES = {("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"): "fonts-noto-cjk"}
OTHER_PACKAGE = "fonts-noto-core"


def families(text: str) -> list[str]:
    """The families that show a text together, matplotlib's own first. Says which letters none of them has."""
    foreign = frozenset(text) - _own_letters()
    return ["sans-serif", *_families_with(frozenset(filter(str.isprintable, foreign)))]


@functools.cache
def _own_letters() -> frozenset[str]:
    font = FT2Font(font_manager.findfont(OWN))
    return frozenset(map(chr, font.get_charmap()))


@functools.cache
def _families_with(foreign: frozenset[str]) -> tuple[str, ...]:
    missing, names = set(foreign), []
    for path, letters in _of_this_machine() if missing else ():
        if missing & letters:
            missing -= letters
            font_manager.fontManager.addfont(path)
            names.append(FT2Font(path).family_name)
        if not missing:
            break
    if missing:
        advise(sorted(missing))
    return tuple(names)


def _of_this_machine() -> Iterator[tuple[str, set[str]]]:
    """Looked for on the disk: matplotlib's list is of the day when it was first used here. Plain faces come first."""

    def plainness(path: str) -> tuple[bool, bool, str]:
        name = path.rpartition("/")[2].lower()
        return "sans" not in name, "regular" not in name, name

    for path in sorted(font_manager.findSystemFonts(), key=plainness):
        try:
            font = FT2Font(path)
        except (RuntimeError, OSError):
            continue
        # Pictures in one size, as of colour emoji, cannot be drawn in another.
        if font.scalable:
            yield path, set(map(chr, font.get_charmap()))


def advise(letters: list[str]) -> None:
    """Says which of Debian's packages has them."""
    packages = sorted({_package(letter) for letter in letters})
    shown = " ".join(letters[:8]) + (" ..." if len(letters) > 8 else "")
    say(f"plots: no font here shows {shown}; on Debian: apt-get install {' '.join(packages)}")


def _package(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return next(
        (package for begins, package in PACKAGES.items() if name.startswith(begins)), OTHER_PACKAGE
    )
