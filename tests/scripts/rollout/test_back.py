"""The way back: from each kind of release that is not good, and what can go wrong on it."""

from __future__ import annotations

import pytest

from scripts.command.outcome import Late, RolledBack
from scripts.rollout import back, wait
from scripts.rollout.rollout import carry_out
from tests.support.scripts.rollouts import BROKEN, NEW, OLD, RECORD, order, outcomes, serve
from tests.support.scripts.swarm_in_a_file import SwarmInAFile


def test_a_replica_that_breaks_brings_the_release_before_back(swarm: SwarmInAFile):
    serve(swarm)
    swarm.change("bad", **{NEW.image: BROKEN})
    with pytest.raises(RolledBack, match=r"non-zero exit.*its last words.*aaaa serves") as caught:
        carry_out(order())
    assert caught.value.facts["serves"] == "aaaa"
    assert swarm.deploys == [OLD.image, NEW.image, OLD.image]
    assert outcomes(swarm)[1:] == [("bbbb", "rolled back")] and not swarm.is_locked


def test_a_wrong_answer_brings_it_back_and_swarm_stops_bringing_it_in_before_the_stack_is_deployed(
    swarm: SwarmInAFile,
):
    serve(swarm)
    swarm.change("answers", bbbb=[2.0])
    with pytest.raises(RolledBack, match="smoke test: late 1.*; release aaaa serves"):
        carry_out(order())
    assert swarm.deploys[-1] == OLD.image
    told = ["service rollback --detach shop_model", "stack deploy"]
    calls = [" ".join(call["words"]) for call in swarm.calls()]
    changes = [call for call in calls if call.startswith(tuple(told))]
    assert [call[: len(words)] for call, words in zip(changes[-2:], told, strict=True)] == told


@pytest.mark.parametrize("call", ["service inspect --format", "service rollback"])
def test_a_swarm_that_takes_no_such_word_is_deployed_all_the_same(swarm: SwarmInAFile, call: str):
    serve(swarm)
    swarm.change("answers", bbbb=[2.0])
    swarm.fault(call, words="rpc error: the manager is away")
    with pytest.raises(RolledBack, match="release aaaa serves"):
        carry_out(order())


def test_what_is_not_there_by_the_deadline_brings_it_back_and_says_so(swarm: SwarmInAFile):
    serve(swarm)
    swarm.change("bad", **{NEW.image: {"state": "starting", "error": ""}})
    with pytest.raises(
        Late, match=r"not done within 0.2 s: .*health check does not pass yet; release aaaa serves"
    ):
        carry_out(order(seconds=0.2))
    assert outcomes(swarm)[1:] == [("bbbb", "deadline")] and swarm.deploys[-1] == OLD.image


def test_a_replica_that_no_node_has_room_for_brings_it_back(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    serve(swarm)
    monkeypatch.setattr(wait, "PATIENCE_FOR_ROOM", 0.0)
    lack = {"state": "pending", "error": "no suitable node (insufficient resources on 1 node)"}
    swarm.change("bad", **{NEW.image: lack})
    with pytest.raises(Late, match=r"^shop_model: .*insufficient resources.*aaaa serves"):
        carry_out(order())
    assert outcomes(swarm)[1:] == [("bbbb", "deadline")]


def test_a_deploy_that_docker_refuses_brings_it_back(swarm: SwarmInAFile):
    serve(swarm)
    swarm.fault("stack deploy", words="invalid mount config")
    with pytest.raises(RolledBack, match="invalid mount config; release aaaa serves"):
        carry_out(order())
    assert swarm.deploys == [OLD.image, OLD.image]


def test_a_service_that_swarm_changes_until_the_deadline_brings_it_back(swarm: SwarmInAFile):
    serve(swarm)
    swarm.fault("stack deploy", words="rpc error: update out of sequence")
    with pytest.raises(RolledBack, match="out of sequence; release aaaa serves"):
        carry_out(order(seconds=0.0))


def test_without_a_release_before_the_services_are_removed(swarm: SwarmInAFile):
    swarm.change("bad", **{NEW.image: BROKEN})
    with pytest.raises(RolledBack, match="no earlier release to go back to, so nothing serves"):
        carry_out(order())
    assert not swarm.read()["service"] and outcomes(swarm) == [("bbbb", "rolled back")]


def test_services_that_cannot_be_removed_are_told_of(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    swarm.change("bad", **{NEW.image: BROKEN})
    swarm.fault("stack rm", words="the manager has no leader")
    with pytest.raises(RolledBack):
        carry_out(order())
    assert "could not remove stack shop" in capsys.readouterr().err
    assert outcomes(swarm) == [("bbbb", "rolled back")]


def test_a_manager_that_fails_while_going_back_is_asked_again(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    serve(swarm)
    swarm.change("bad", **{NEW.image: BROKEN})
    monkeypatch.setattr(back, "AGAIN", 0.0)
    # The first is of the release that comes in.
    swarm.fault("stack config")
    swarm.fault("stack config", words="the manager has no leader", times=2)
    with pytest.raises(RolledBack, match="release aaaa serves"):
        carry_out(order())
    assert swarm.deploys[-1] == OLD.image


def test_a_release_before_that_breaks_too_is_not_said_to_serve(swarm: SwarmInAFile):
    serve(swarm)
    swarm.change("bad", **{NEW.image: BROKEN, OLD.image: BROKEN})
    with pytest.raises(Late, match=r"aaaa was ordered back and is not verified: .*make status"):
        carry_out(order())
    assert outcomes(swarm)[1:] == [("bbbb", "failed")] and not swarm.is_locked


def test_a_release_before_that_does_not_come_in_time_is_not_said_to_serve(swarm: SwarmInAFile):
    serve(swarm)
    slow = {"state": "starting", "error": ""}
    swarm.change("bad", **{NEW.image: BROKEN, OLD.image: slow})
    with pytest.raises(Late, match="not verified: .*health check does not pass yet"):
        carry_out(order(back_seconds=0.2))


def test_an_attempt_that_cannot_be_recorded_ends_as_it_would_have(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    serve(swarm)
    swarm.change("bad", **{NEW.image: BROKEN})
    swarm.fault(RECORD, words="no leader")
    with pytest.raises(RolledBack, match="release aaaa serves"):
        carry_out(order())
    assert "could not record this attempt" in capsys.readouterr().err
    assert swarm.deploys[-1] == OLD.image
