"""What nobody knows anything of is never called clean."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.ci.audit import Audit, audit_all, audit_of, judge
from scripts.command.outcome import Refused
from tests.support.advisories import advisories

KNOWN = {"name": "flask", "version": "3.1.3", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
HOLE = {"name": "jinja2", "version": "3.1.5", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]}
ROOT = Path(__file__).parents[3]


def test_all_looked_at_and_nothing_found_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(audit_of({"dependencies": [KNOWN]}), "unstable") == "clean"
    assert "no known hole; 1 packages were audited, 0 could not be" in capsys.readouterr().err


@pytest.mark.parametrize(
    "result", [audit_of({"dependencies": [KNOWN, UNKNOWN]}), Audit((), {}, {})]
)
def test_what_could_not_be_looked_at_is_said_and_red_by_choice(
    result: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(result, "unstable") == "unaudited"
    assert "nothing is known of their holes" in capsys.readouterr().err
    with pytest.raises(Refused, match="could not be; SWARMLINE_UNAUDITED=unstable"):
        judge(result, "red")


def test_a_known_hole_ends_it_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refused, match="known holes in jinja2; 2 packages were audited"):
        judge(audit_of({"dependencies": [KNOWN, HOLE]}), "unstable")
    assert "jinja2: PYSEC-1 in 3.1.5" in capsys.readouterr().err


def test_of_two_locks_each_package_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of = {"serve": [KNOWN, HOLE], "monitor": [KNOWN, HOLE, UNKNOWN]}
    monkeypatch.setattr(
        "scripts.ci.audit.audit", lambda lock: audit_of({"dependencies": of[lock.stem]})
    )
    both = audit_all([Path("serve.txt"), Path("monitor.txt")])
    assert len(both.audited) == 2 and len(both.unaudited) == 1
    assert both.holes == {"jinja2": ["PYSEC-1 in 3.1.5"]}


def audit(folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """With the real tool, of a lock with one package."""
    lock = folder / "requirements/own.txt"
    lock.parent.mkdir()
    lock.write_text(f"swarmline-of-nobody==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "scripts.ci", "audit", "--of", "own"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        text=True, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("holes", "code", "word", "said"),
    [
        ({}, 0, "clean\n", "no known hole; 1 packages were audited"),
        ({"swarmline-of-nobody": "PYSEC-1"}, 1, "", "known holes in swarmline-of-nobody"),
    ],
)
def test_a_source_that_answers_says_what_it_knows(
    tmp_path: Path, holes: dict[str, str], code: int, word: str, said: str
) -> None:
    with advisories(holes) as environ:
        done = audit(tmp_path, environ)
    assert (done.returncode, done.stdout) == (code, word) and said in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "environ", [{}, {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv", "PIP_AUDIT_OSV_URL": "http://127.0.0.1:9"}],
    ids=["an index that does not know it, or is out of reach", "no answer"],
)  # fmt: skip
def test_a_package_that_nobody_knows_is_not_clean(tmp_path: Path, environ: dict[str, str]) -> None:
    done = audit(tmp_path, environ)
    assert (done.returncode, done.stdout) == (0, "unaudited\n"), done.stderr
    assert "not audited: " in done.stderr and "0 packages were audited" in done.stderr
