"""What a person took away comes in again only on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import deploy, left
from scripts.intended import Intended
from scripts.left import WentBack
from scripts.options import parser, waiting
from scripts.order import Order
from tests.scripts.swarm_in_a_file import SwarmInAFile
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
    swarm: SwarmInAFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    swarm.remember(*HISTORY)
    wanted = Intended(HISTORY[1].image, "cccc", {}, {})
    options = waiting(parser("deploy", None, 1.0), 0.0).parse_args([])
    options.force = False
    order = Order.of(
        options, "deploy", "cccc", lambda history: deploy.goal(options, wanted, history)
    )
    deploy.plan(order, as_json=False)
    printed = capsys.readouterr()
    assert printed.out == "nothing\n"
    assert "ann went back from it" in printed.err
    kept = json.loads((tmp_path / "build/release/deploy.json").read_bytes())
    assert (kept["code"], kept["record"]["release"]) == (0, "bbbb")
