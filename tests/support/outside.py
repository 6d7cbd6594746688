"""The names under which the Makefile takes values from outside."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support import ROOT


def outside_names(root: Path = ROOT) -> list[str]:
    text = (root / "Makefile").read_text(encoding="utf-8")
    (words,) = re.findall(r"^OUTSIDE := ((?:.*\\\n)*.*)$", text, re.M)
    return re.findall(r"\w+", words)
