"""What is decided is decided under the lock: whatever others did while an image was pulled counts."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts.ledger.records import Record
from scripts.operate import down, prune
from scripts.release import deploy, plan, rollback, traffic
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile, configs, locked, release

ARMS = {"late": {"champion": {"version": "1"}, "challenger": {"version": "2"}}}
SHARED = '["late"]\nmode = "split"\nshare = 0.25\n'
PULL = "pull --quiet"
LOCK = f"config create --label swarmline.stack={NAME} --label swarmline.name=deploying"


def document(day: int) -> dict[str, Any]:
    return {"created": f"2026-01-{day:02}T00:00:00+00:00", "models": ARMS}


def past(number: int, name: str, day: int, traffic: str = "", **facts: Any) -> Record:
    record = release(number, name, golden={}, document=document(day), **facts)
    assert record.inputs is not None
    shares = {"TRAFFIC_CONFIG": traffic, "EDGE_CONFIG": ""}
    return record._replace(inputs=record.inputs._replace(configs=shares))


@pytest.fixture(autouse=True)
def _first_release(swarm: SwarmInAFile, tmp_path: Path) -> None:
    """It serves; every secret is there."""
    swarm.make_secrets(NAME, tmp_path / "build/secrets")
    swarm.remember(past(1, "aaaa", 1))


def deployed(swarm: SwarmInAFile, name: str, day: int, *arguments: str) -> int:
    return deploy.main(["--image", swarm.publish(past(0, name, day)), "--watch", "0", *arguments])


def test_a_newer_release_that_came_in_meanwhile_is_not_overtaken(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    swarm.fault(PULL, others=configs(past(2, "cccc", 9)))
    assert deployed(swarm, "bbbb", 5) == 1
    assert "a newer release is not overtaken by an older" in capsys.readouterr().err
    assert not swarm.deploys and not swarm.is_locked


def test_a_rollback_meanwhile_keeps_its_release_out(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    swarm.remember(past(2, "bbbb", 5))
    back = past(3, "aaaa", 1, kind="rollback", replaced="bbbb", why="too sweet")
    swarm.fault(PULL, others=configs(back))
    assert deployed(swarm, "bbbb", 5) == 1
    assert "ann went back from it to aaaa" in capsys.readouterr().err
    assert not swarm.deploys


def test_a_change_of_traffic_meanwhile_is_kept(swarm: SwarmInAFile):
    swarm.fault(PULL, others=configs(past(2, "aaaa", 1, SHARED, kind="traffic")))
    assert deployed(swarm, "bbbb", 5) == 0
    (traffic,) = [
        config["content"]
        for config in swarm.read()["config"].values()
        if config["labels"]["swarmline.name"] == "traffic"
    ]
    assert tomllib.loads(traffic)["late"]["share"] == 0.25


def test_a_rollback_goes_to_what_is_before_the_release_that_serves_by_then(swarm: SwarmInAFile):
    swarm.remember(past(2, "bbbb", 2))
    swarm.fault(LOCK, others=configs(past(3, "cccc", 3)))
    assert rollback.main(["--why", "too sweet"]) == 0
    assert swarm.history[0].release == "bbbb" and swarm.history[0].replaced == "cccc"


ALL = '["late"]\nmode = "split"\nshare = 1.0\n'
PROMOTED = {"late": {"champion": {"version": "2"}}}


def traffic_now(swarm: SwarmInAFile) -> dict[str, Any]:
    inputs = swarm.history[0].inputs
    assert inputs is not None
    return tomllib.loads(inputs.configs["TRAFFIC_CONFIG"])["late"]


def test_a_rollback_from_a_promoted_version_takes_back_its_callers_and_not_its_release_alone(
    swarm: SwarmInAFile,
):
    swarm.remember(past(2, "aaaa", 1, ALL, kind="traffic"))
    swarm.remember(past(3, "bbbb", 3)._replace(document={"models": PROMOTED}))
    assert rollback.main(["--why", "too sweet"]) == 0
    newest = swarm.history[0]
    assert (newest.release, newest.replaced, newest.kind) == ("aaaa", "bbbb", "rollback")
    assert traffic_now(swarm) == {"mode": "off", "share": 0.0}


def test_a_rollback_between_the_traffic_and_the_release_takes_back_the_callers(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    swarm.remember(past(2, "bbbb", 2), past(3, "bbbb", 2, ALL, kind="traffic"))
    assert rollback.main([]) == 0
    assert swarm.history[0].release == "bbbb" and traffic_now(swarm)["mode"] == "off"
    assert (
        "late: champion 1 answers all callers again, challenger 2 none" in capsys.readouterr().err
    )
    # Nothing was withdrawn by that, and the next one goes a release back.
    assert deployed(swarm, "bbbb", 2) == 0
    assert rollback.main([]) == 0 and swarm.history[0].release == "aaaa"


def test_a_challenger_with_some_callers_keeps_them_in_a_rollback(swarm: SwarmInAFile):
    swarm.remember(past(2, "aaaa", 1, SHARED, kind="traffic"), past(3, "bbbb", 3))
    assert rollback.main([]) == 0
    assert traffic_now(swarm) == {"mode": "split", "share": 0.25}


def test_traffic_for_other_versions_than_serve_by_then_is_refused(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    other = past(2, "bbbb", 2)._replace(
        document={"models": {"late": {"champion": {"version": "7"}}}}
    )
    swarm.fault(LOCK, others=configs(other))
    words = ["late", "--mode", "split", "--share", "100", "--only-for", "1,2"]
    assert traffic.main(words) == 1
    assert "serves champion and challenger 7,none of late, and not 1,2" in capsys.readouterr().err
    assert not swarm.deploys
    swarm.remember(past(3, "cccc", 3))
    assert traffic.main([*words, "--watch", "0"]) == 0
    assert traffic_now(swarm) == {"share": 1.0, "mode": "split"} | traffic_now(swarm)


def test_traffic_is_changed_for_the_release_that_serves_by_then(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    alone = past(2, "bbbb", 2)._replace(
        document={"models": {"late": {"champion": {"version": "2"}}}}
    )
    swarm.fault(LOCK, others=configs(alone))
    assert traffic.main(["late", "--mode", "split", "--share", "5"]) == 1
    assert "has no challenger in release bbbb" in capsys.readouterr().err
    assert not swarm.deploys


def lock(swarm: SwarmInAFile) -> None:
    swarm.change("config", **locked(time.time() + 60))


def test_nothing_is_pruned_while_a_deploy_goes_on(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    swarm.remember(*(past(number, "aaaa", 1) for number in range(2, 5)))
    lock(swarm)
    assert prune.main(["--keep", "1", "--patience", "0"]) == 1
    assert "is locked: bob has been at cccc" in capsys.readouterr().err
    assert len(swarm.history) == 4
    assert prune.main(["--keep", "1", "--dry-run"]) == 0
    assert prune.main(["--keep", "1", "--patience", "0", "--break-lock"]) == 0
    assert len(swarm.history) == 1 and not swarm.is_locked


def test_a_clean_up_waits_for_a_deploy_to_end(swarm: SwarmInAFile):
    swarm.remember(*(past(number, "aaaa", 1) for number in range(2, 5)))
    lock(swarm)
    swarm.fault("config inspect")
    swarm.fault("config inspect", others=locked(0.0))
    assert prune.main(["--keep", "1", "--patience", "0.5"]) == 0
    assert len(swarm.history) == 1


def test_a_stack_is_not_taken_down_while_a_deploy_goes_on(swarm: SwarmInAFile):
    lock(swarm)
    assert down.main(["--yes"]) == 1
    assert not swarm.calls("stack", "rm")


def test_of_all_that_is_removed_the_lock_is_the_last(swarm: SwarmInAFile):
    assert down.main(["--yes", "--volumes"]) == 0
    removed = [call["words"][-1] for call in swarm.calls("config", "rm")]
    assert removed == [f"{NAME}_release_1", f"{NAME}_deploying"]
    assert not swarm.read()["secret"]


def test_the_plan_sees_what_others_did_meanwhile(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    back = past(3, "aaaa", 1, kind="rollback", replaced="bbbb")
    swarm.fault(PULL, others=configs(past(2, "bbbb", 5), back))
    assert plan.main(["--image", swarm.publish(past(0, "bbbb", 5))]) == 0
    assert capsys.readouterr().out == "withdrawn\n"
    assert not swarm.is_locked
