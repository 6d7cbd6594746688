"""What nobody knows anything of is never called clean."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.audit import Audit, judge, read
from scripts.outcome import Refused

KNOWN = {"name": "flask", "version": "3.1.3", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
HOLE = {"name": "jinja2", "version": "3.1.5", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]}
ROOT = Path(__file__).parents[2]


def test_all_looked_at_and_nothing_found_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(read({"dependencies": [KNOWN]}), "unstable") == "clean"
    assert "no known hole; 1 packages were audited, 0 could not be" in capsys.readouterr().err


@pytest.mark.parametrize("found", [read({"dependencies": [KNOWN, UNKNOWN]}), Audit((), {}, {})])
def test_what_could_not_be_looked_at_is_said_and_red_by_choice(
    found: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(found, "unstable") == "unaudited"
    assert "nothing is known of their holes" in capsys.readouterr().err
    with pytest.raises(Refused, match="could not be; SWARMLINE_UNAUDITED=unstable"):
        judge(found, "red")


def test_a_known_hole_ends_it_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refused, match="known holes in jinja2; 2 packages were audited"):
        judge(read({"dependencies": [KNOWN, HOLE]}), "unstable")
    assert "jinja2: PYSEC-1 in 3.1.5" in capsys.readouterr().err


@pytest.mark.slow
def test_a_package_that_no_index_knows_is_not_clean(tmp_path: Path) -> None:
    """With the real tool: whether the index answers or is out of reach."""
    lock = tmp_path / "requirements/own.txt"
    lock.parent.mkdir()
    lock.write_text(f"swarmline-of-nobody==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "scripts.audit", "--of", "own"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "unaudited\n"), done.stderr
    assert "not audited: " in done.stderr and "0 packages were audited" in done.stderr
