"""`make scale`: what it orders, refuses and takes back."""

from __future__ import annotations

import json
import re
import signal
import time

import pytest

from scripts.release import scale
from scripts.rollout import wait
from tests.support.scripts.scaled_stack import MODEL, cut_short, serve, set_number, wanted
from tests.support.scripts.swarm_in_a_file import SwarmInAFile, locked


def test_as_many_serve_as_are_asked_for_and_the_ledger_says_who_and_why(swarm: SwarmInAFile):
    serve(swarm)
    assert scale.main(["4", "--by", "ann", "--why", "harvest"]) == 0
    assert wanted(swarm) == (4, "4")
    entry = swarm.history[0]
    assert (entry.kind, entry.release, entry.by, entry.outcome) == (
        *("scale", "aaaa", "ann"),
        "scaled",
    )
    assert entry.why == "replicas 2 -> 4: harvest" and not entry.verified
    assert set_number() == 4 and not swarm.is_locked
    # Nothing of a task was changed, so no replica was restarted.
    (call,) = swarm.calls("service", "update")
    assert call["words"][2:5] == ["--detach", "--replicas", "4"] and "--force" not in call["words"]


def test_the_same_number_again_changes_nothing(swarm: SwarmInAFile):
    serve(swarm)
    assert scale.main(["4"]) == scale.main(["4"]) == 0
    assert len(swarm.calls("service", "update")) == 1 and len(swarm.history) == 2


@pytest.mark.parametrize(
    ("count", "settings", "reason"),
    [
        ("0", {}, "0 replicas are not from 1 to 10"),
        ("11", {}, "11 replicas are not from 1 to 10.*REPLICAS_MIN and REPLICAS_MAX"),
        ("2", {"REPLICAS_MIN": "3"}, "2 replicas are not from 3 to 10"),
        ("4", {"EDGE_SLOTS": "7"}, "at most 3, or a larger EDGE_SLOTS first"),
        ("4", {"REPLICAS_MIN": "5", "REPLICAS_MAX": "4"}, "the first may not be above the other"),
        ("4", {"REPLICAS_MAX": "x"}, "REPLICAS_MAX.*is not a whole number"),
    ],
)
def test_what_is_out_of_bounds_is_refused(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    count: str, settings: dict[str, str], reason: str,
):  # fmt: skip
    serve(swarm)
    for name, text in settings.items():
        monkeypatch.setenv(name, text)
    assert scale.main([count]) == 1
    assert re.search(reason, capsys.readouterr().err)
    assert wanted(swarm) == (2, "2") and set_number() is None and len(swarm.history) == 1


@pytest.mark.parametrize("words", [[], ["4", "--unset"]])
def test_either_a_number_or_none_is_asked_for(
    swarm: SwarmInAFile, words: list[str], capsys: pytest.CaptureFixture[str]
):
    serve(swarm)
    assert scale.main(words) == 1
    assert "REPLICAS=5, or UNSET=1" in capsys.readouterr().err


def test_before_the_first_deploy_there_is_nothing_to_scale(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    assert scale.main(["4"]) == 1
    assert "does not serve; `make deploy` brings a release in" in capsys.readouterr().err


def test_without_room_as_many_serve_as_before(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    serve(swarm)
    scale.main(["3"])
    monkeypatch.setattr(wait, "PATIENCE_FOR_ROOM", 0.0)
    swarm.write({**swarm.read(), "room": 3})
    assert scale.main(["5"]) == 3
    said = capsys.readouterr().err
    assert "insufficient resources" in said and "3 replicas serve, as before" in said
    assert wanted(swarm) == (3, "3") and set_number() == 3 and not swarm.is_locked
    assert (swarm.history[0].kind, swarm.history[0].outcome) == ("scale", "deadline")


def test_an_interrupt_brings_the_number_of_before_back(swarm: SwarmInAFile):
    serve(swarm)
    done = cut_short(swarm, signal.SIGTERM)
    assert json.loads(done.stdout)["reason"].startswith("interrupted by SIGTERM; 2 replicas serve")
    assert done.returncode == 2
    assert wanted(swarm) == (2, "2") and set_number() is None and not swarm.is_locked


def test_it_waits_for_a_deploy_that_is_under_way(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    serve(swarm)
    swarm.change("config", **locked(time.time() + 60))
    assert scale.main(["4", "--patience", "0"]) == 1
    assert "is locked: bob has been at cccc" in capsys.readouterr().err
    assert wanted(swarm) == (2, "2")
    swarm.fault("config inspect")
    swarm.fault("config inspect", others=locked(0.0))
    assert scale.main(["4", "--patience", "0.5"]) == 0
    assert wanted(swarm) == (4, "4")


def test_what_came_by_hand_is_not_scaled(swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]):
    serve(swarm)
    stack = swarm.read()
    del stack["service"][MODEL]["deploy"]["labels"]["swarmline.release"]
    swarm.write(stack)
    assert scale.main(["4"]) == 1
    assert "came without `make deploy`" in capsys.readouterr().err


def test_what_a_deploy_left_halfway_is_not_scaled(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    serve(swarm)
    stack = swarm.read()
    stack["service"][MODEL]["deploy"]["labels"]["swarmline.release"] = "bbbb"
    swarm.write(stack)
    assert scale.main(["4"]) == 1
    assert "is of release bbbb, and aaaa was verified last" in capsys.readouterr().err
