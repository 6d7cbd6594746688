"""A release comes in, or the one before comes back: each way that this can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scripts.command.outcome import Late, Refused, RolledBack
from scripts.ledger.records import Record
from scripts.rollout import back, rollout, wait
from scripts.rollout.order import Goal, Order
from scripts.rollout.rollout import carry_out
from tests.support.scripts.swarm_in_a_file import SwarmInAFile, release

ROOT = Path(__file__).parents[3]
OLD, NEW = release(1, "aaaa"), release(2, "bbbb")
RECORD = "config create --label swarmline.stack=shop --label swarmline.name=release"
BROKEN = {"state": "failed", "error": "task: non-zero exit (1)"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for here comes at once, or never."""
    monkeypatch.setattr(wait, "POLL", 0.01)


def order(wanted: Record = NEW, **facts: Any) -> Order:
    assert wanted.inputs is not None
    goal = Goal(wanted.as_release, wanted.inputs)
    usual = Order("shop", "deploy", wanted.release, lambda _: goal, "ann", "", 60.0, 60.0, 0.0)
    return usual._replace(**facts)


SERVED: list[dict[str, Any]] = []


def serve(swarm: SwarmInAFile) -> None:
    """The stack as it is after the old release came in."""
    if SERVED:
        swarm.write(SERVED[0])
        return
    carry_out(order(OLD))
    SERVED.append(swarm.read())


def outcomes(swarm: SwarmInAFile) -> list[tuple[str, str]]:
    """The oldest first."""
    return [(record.release, record.outcome) for record in reversed(swarm.history)]


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


def test_a_replica_that_breaks_brings_the_release_before_back(swarm: SwarmInAFile):
    serve(swarm)
    swarm.change("bad", **{NEW.image: BROKEN})
    with pytest.raises(RolledBack, match=r"non-zero exit.*its last words.*aaaa serves") as caught:
        carry_out(order())
    assert caught.value.facts["serves"] == "aaaa"
    assert swarm.deploys == [OLD.image, NEW.image, OLD.image]
    assert outcomes(swarm)[1:] == [("bbbb", "rolled back")] and not swarm.is_locked


def test_a_wrong_answer_brings_it_back(swarm: SwarmInAFile):
    serve(swarm)
    swarm.change("answers", bbbb=[2.0])
    with pytest.raises(RolledBack, match="smoke test: late 1.*; release aaaa serves"):
        carry_out(order())
    assert swarm.deploys[-1] == OLD.image


def test_swarm_stops_bringing_a_condemned_release_in_before_the_stack_is_deployed(
    swarm: SwarmInAFile,
):
    serve(swarm)
    swarm.change("answers", bbbb=[2.0])
    with pytest.raises(RolledBack):
        carry_out(order())
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


def test_a_service_that_swarm_changed_meanwhile_is_handed_over_again(swarm: SwarmInAFile):
    swarm.fault("stack deploy", words="rpc error: update out of sequence")
    assert carry_out(order())["outcome"] == "done"
    assert len(swarm.calls("stack", "deploy")) == 2


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
    facts = {
        "by": "bob",
        "intended": "cccc",
        "since": "now",
        "until": time.time() + 60,
        "process": "",
    }
    labels = {"swarmline.stack": "shop", "swarmline.name": "deploying"}
    held = {"labels": labels, "content": json.dumps(facts)}
    swarm.change("config", shop_deploying=held)
    with pytest.raises(Refused, match="is locked: bob has been at cccc"):
        carry_out(order())
    assert swarm.deploys == [OLD.image] and swarm.is_locked


DEPLOY = """
from tests.scripts.rollout.test_rollout import order
from scripts.command import outcome
from scripts.rollout import rollout
raise SystemExit(outcome.finish(lambda: rollout.carry_out(order(watch=0.1)), True))
"""


def interrupted(swarm: SwarmInAFile, call: str, times: int = 1) -> dict[str, Any]:
    """How a deploy of its own process ends that gets a signal in the middle of a docker command."""
    swarm.fault(call, times=times, signal=signal.SIGTERM)
    done = subprocess.run(
        [sys.executable, "-c", DEPLOY], cwd=ROOT, env=os.environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    assert facts["code"] == done.returncode
    return facts


def test_an_interrupt_before_anything_changed_changes_nothing(swarm: SwarmInAFile):
    serve(swarm)
    facts = interrupted(swarm, "stack config")
    assert (facts["code"], facts["reason"]) == (
        1,
        "interrupted by SIGTERM, before anything was changed",
    )
    assert swarm.deploys == [OLD.image] and not swarm.is_locked


def test_an_interrupt_in_the_middle_brings_the_release_before_back(swarm: SwarmInAFile):
    serve(swarm)
    facts = interrupted(swarm, "stack deploy")
    assert (facts["code"], facts["reason"]) == (2, "interrupted by SIGTERM; release aaaa serves")
    assert swarm.deploys[-1] == OLD.image and not swarm.is_locked


def test_an_interrupt_while_going_back_does_not_stop_it(swarm: SwarmInAFile):
    serve(swarm)
    swarm.change("bad", **{NEW.image: BROKEN})
    swarm.fault("stack deploy")
    facts = interrupted(swarm, "stack deploy")
    assert facts["code"] == 2 and "release aaaa serves" in facts["reason"]
    assert outcomes(swarm)[1:] == [("bbbb", "rolled back")] and not swarm.is_locked


def test_an_interrupt_once_it_is_verified_comes_too_late(swarm: SwarmInAFile):
    serve(swarm)
    facts = interrupted(swarm, RECORD)
    assert (facts["code"], facts["release"]) == (0, "bbbb")
    assert outcomes(swarm)[1:] == [("bbbb", "verified")] and not swarm.is_locked
