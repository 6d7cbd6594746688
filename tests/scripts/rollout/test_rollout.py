"""A release comes in and is recorded, or is refused before anything changes."""

from __future__ import annotations

import time

import pytest

from scripts.command.outcome import Late, Refused
from scripts.rollout import rollout
from scripts.rollout.rollout import carry_out
from tests.support.scripts.rollouts import NEW, OLD, RECORD, order, outcomes, serve
from tests.support.scripts.swarm_in_a_file import SwarmInAFile, locked


def test_a_release_that_is_good_serves_and_is_recorded(swarm: SwarmInAFile):
    serve(swarm)
    done = carry_out(order())
    assert (done["outcome"], done["release"]) == ("done", "bbbb")
    assert swarm.deploys == [OLD.image, NEW.image]
    assert outcomes(swarm) == [("aaaa", "verified"), ("bbbb", "verified")]
    assert swarm.history[0].replaced == "aaaa" and not swarm.is_locked


def test_the_same_release_with_the_same_settings_is_left_alone(swarm: SwarmInAFile):
    serve(swarm)
    assert carry_out(order(OLD))["outcome"] == "unchanged"
    assert swarm.deploys == [OLD.image] and not swarm.is_locked


def test_a_service_that_swarm_changed_meanwhile_is_handed_over_again(swarm: SwarmInAFile):
    swarm.fault("stack deploy", words="rpc error: update out of sequence")
    assert carry_out(order())["outcome"] == "done"
    assert len(swarm.calls("stack", "deploy")) == 2


def test_a_release_that_serves_is_recorded_as_soon_as_the_swarm_takes_it(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rollout, "AGAIN", 0.0)
    swarm.fault(RECORD, words="no leader", times=2)
    assert carry_out(order())["outcome"] == "done"
    assert outcomes(swarm) == [("bbbb", "verified")]


def test_a_release_that_serves_and_is_never_recorded_is_told_of(swarm: SwarmInAFile):
    swarm.fault(RECORD, words="no leader", times=9)
    with pytest.raises(Late, match="bbbb serves, verified, and is not recorded"):
        carry_out(order(back_seconds=0.0))


def test_a_record_that_is_too_large_is_refused_before_anything_changes(swarm: SwarmInAFile):
    large = NEW._replace(golden={"late": {"champion": {"version": "1", "rows": "x" * 600_000}}})
    with pytest.raises(Refused, match="make golden rows or stack files smaller"):
        carry_out(order(large))
    assert not swarm.deploys and not swarm.is_locked


def test_a_lock_that_is_held_leaves_everything_as_it_is(swarm: SwarmInAFile):
    serve(swarm)
    swarm.change("config", **locked(time.time() + 60))
    with pytest.raises(Refused, match="is locked: bob has been at cccc"):
        carry_out(order())
    assert swarm.deploys == [OLD.image] and swarm.is_locked
