"""What a person took away comes in again only on purpose."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from scripts import deploy, left
from scripts.left import WentBack
from tests.scripts.views import record

BACK = record(4, "bbbb", kind="rollback", replaced="cccc", by="ann", why="too sweet")
HISTORY = [BACK, record(3, "cccc"), record(2, "bbbb"), record(1, "aaaa")]


def test_a_release_that_a_person_went_back_from_is_refused_with_who_when_and_why():
    said = "cccc does not come in again: ann went back from it to bbbb at 2026-01-01 00:00 UTC"
    with pytest.raises(WentBack, match=rf"{said} \(too sweet\); make a new release.*OLDER=1"):
        left.refuse(HISTORY, "cccc")


@pytest.mark.parametrize("release", ["aaaa", "bbbb", "dddd"])
def test_any_other_release_is_not(release: str):
    left.refuse(HISTORY, release)


def test_once_it_has_served_again_it_is_as_any_other():
    left.refuse([record(5, "cccc"), *HISTORY], "cccc")


def test_it_stays_refused_while_others_come_and_go():
    with pytest.raises(WentBack) as caught:
        left.refuse([record(5, "dddd"), *HISTORY], "cccc")
    assert caught.value.facts["serves"] == "dddd"


def test_a_rollback_that_was_not_verified_took_nothing_away():
    failed = BACK._replace(outcome="rolled back", inputs=None)
    left.refuse([failed, *HISTORY[1:]], "cccc")


def test_the_plan_is_nothing_and_the_report_tells_what_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path))
    monkeypatch.setattr(deploy, "prepared", lambda _: left.refuse(HISTORY, "cccc"))
    deploy.plan(argparse.Namespace(json=False))
    printed = capsys.readouterr()
    assert printed.out == "nothing\n"
    assert "ann went back from it" in printed.err
    kept = json.loads((tmp_path / "release/deploy.json").read_bytes())
    assert (kept["code"], kept["record"]["release"]) == (0, "bbbb")
