"""Whatever asks an engine says, where none answers, what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT


@pytest.mark.parametrize(
    "words",
    [
        ("release", "plan"),
        ("release", "rollback"),
        ("operate", "status"),
        ("operate", "backup"),
        ("credentials", "list"),
        ("image", "sbom"),
    ],
    ids=" ".join,
)
def test_without_an_engine_it_says_how_to_name_one(words: tuple[str, ...], tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.{words[0]}", *words[1:]],
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "no Docker engine answers (" in done.stderr
    assert done.stderr.strip().endswith("start one, or name one with DOCKER_HOST")
