"""What a person took away comes in again only on purpose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.command.options import add_rollout, parsed, parser
from scripts.image.release import Release
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.release import deploy, withdrawn
from scripts.release.plan import plan
from scripts.release.withdrawn import Withdrawn
from scripts.rollout.order import Order
from tests.support.scripts.swarm_in_a_file import SwarmInAFile
from tests.support.scripts.views import record

BACK = record(4, "bbbb", kind="rollback", replaced="cccc", by="ann", why="too sweet")
HISTORY = [BACK, record(3, "cccc"), record(2, "bbbb"), record(1, "aaaa")]


def test_a_release_that_a_person_went_back_from_is_refused_with_who_when_and_why():
    said = "cccc does not come in again: ann went back from it to bbbb at 2026-01-01 00:00 UTC"
    with pytest.raises(Withdrawn, match=rf"{said} \(too sweet\); make a new release.*WITHDRAWN=1"):
        withdrawn.refuse(HISTORY, "cccc", {})


@pytest.mark.parametrize("release", ["aaaa", "bbbb", "dddd"])
def test_any_other_release_is_not(release: str):
    withdrawn.refuse(HISTORY, release, {})


def test_once_it_has_served_again_it_is_as_any_other():
    withdrawn.refuse([record(5, "cccc"), *HISTORY], "cccc", {})


def test_it_stays_refused_while_others_come_and_go():
    with pytest.raises(Withdrawn) as caught:
        withdrawn.refuse([record(5, "dddd"), *HISTORY], "cccc", {})
    assert caught.value.facts["serves"] == "dddd"


def test_a_rollback_that_was_not_verified_took_nothing_away():
    failed = BACK._replace(outcome="rolled back", inputs=None)
    withdrawn.refuse([failed, *HISTORY[1:]], "cccc", {})


OLD, NEW = (
    {"code": code, "lock": "l", "base_layers": "b", "models": {}} for code in ("one", "two")
)


def rejected(number: int, release: str, document: Mapping[str, Any]) -> Record:
    facts = {"kind": records.REJECTION, "outcome": records.REJECTED, "inputs": None}
    return record(number, release, document=document, why="too slow", **facts)


REJECTED = [rejected(2, "bbbb", NEW), record(1, "aaaa", document=OLD)]


def test_a_rejected_release_does_not_come_in():
    said = r"bbbb does not come in again: ann rejected it at 2026-01-01 00:00 UTC \(too slow\)"
    with pytest.raises(Withdrawn, match=said):
        withdrawn.refuse(REJECTED, "bbbb", NEW)


def test_rejected_code_does_not_come_in_with_other_models():
    with pytest.raises(Withdrawn, match="cccc does not come.*its code is that of bbbb: ann rej"):
        withdrawn.refuse(REJECTED, "cccc", {**NEW, "models": {"late": {}}})


def test_code_that_serves_is_not_withdrawn_with_the_models_that_came_with_it():
    history = [rejected(2, "bbbb", OLD), record(1, "aaaa", document=OLD)]
    withdrawn.refuse(history, "cccc", OLD)


def test_a_release_that_was_gone_back_from_is_withdrawn_though_its_code_serves():
    back = record(3, "aaaa", document=OLD, kind="rollback", replaced="bbbb")
    history = [back, record(2, "bbbb", document=OLD), record(1, "aaaa", document=OLD)]
    with pytest.raises(Withdrawn, match="bbbb does not come in again: ann went back from it"):
        withdrawn.refuse(history, "bbbb", OLD)


def test_new_code_comes_in_after_a_rejection():
    withdrawn.refuse(REJECTED, "cccc", {**NEW, "code": "three"})


def test_code_that_served_after_its_rejection_is_as_any_other():
    withdrawn.refuse([record(3, "cccc", document=NEW), *REJECTED], "dddd", NEW)


def test_code_that_was_gone_back_from_does_not_come_in_with_other_models():
    back = record(3, "aaaa", document=OLD, kind="rollback", replaced="bbbb")
    history = [back, record(2, "bbbb", document=NEW), record(1, "aaaa", document=OLD)]
    with pytest.raises(Withdrawn, match="its code is that of bbbb: ann went back from it to aaaa"):
        withdrawn.refuse(history, "cccc", NEW)


def test_a_first_release_that_was_rejected_does_not_come_in():
    with pytest.raises(Withdrawn):
        withdrawn.refuse([rejected(1, "bbbb", NEW)], "cccc", NEW)


def test_the_plan_says_withdrawn_and_the_report_tells_what_serves(
    swarm: SwarmInAFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    swarm.remember(*HISTORY)
    wanted = Release(HISTORY[1].image, "cccc", {}, {})
    options = parsed(add_rollout(parser("deploy", None, 1.0), 0.0), [])
    options.force, options.withdrawn = False, False
    order = Order.of(
        options, "deploy", "cccc", lambda history: deploy.goal(options, wanted, history)
    )
    plan(order, as_json=False)
    printed = capsys.readouterr()
    assert printed.out == "withdrawn\n"
    assert "ann went back from it" in printed.err
    outcome = json.loads((tmp_path / "build/release/deploy.json").read_bytes())
    assert (outcome["code"], outcome["record"]["release"]) == (0, "bbbb")
    assert outcome["withdrawn"].startswith("ann went back from it")
