"""What other projects made is what they published, with its licence."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.support import ROOT

STATIC, AXE = ROOT / "monitoring/pages/static", ROOT / "tests/support/axe"
#: Of the files of uplot 1.6.32 and axe-core 4.14.1 as npm has them.
SUMS = {
    STATIC
    / "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    STATIC / "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    STATIC / "uPlot.LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    AXE / "axe.min.js": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
    AXE / "LICENSE": "af175b9d96ee93c21a036152e1b905b0b95304d4ae8c2c921c7609100ba8df7e",
}


@pytest.mark.parametrize("path", SUMS, ids=lambda path: path.name)
def test_a_vendored_file_is_the_published_one(path):
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SUMS[path]


def test_the_colours_are_those_of_the_model_card():
    card = (ROOT / "training/common/style.css").read_text(encoding="utf-8")
    pages = (STATIC / "style.css").read_text(encoding="utf-8")
    colours = re.compile(r"(--(?:ground|panel|ink|soft|line|accent|good|bad|warn)[\w-]*): (#\w+);")
    assert colours.findall(card.partition("@media print")[0]) == colours.findall(
        pages.partition("* {")[0]
    )
