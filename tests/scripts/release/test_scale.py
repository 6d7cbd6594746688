"""How many replicas serve: what was set is kept by whatever brings a release in, until it is unset."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scripts.engine import secrets_and_configs
from scripts.ledger import replicas
from scripts.ledger.records import Record
from scripts.operate import down, prune, status, status_screen
from scripts.release import deploy, plan, rollback, scale, traffic
from scripts.rollout import wait
from scripts.rollout.rollout import carry_out
from tests.scripts.rollout.test_rollout import ROOT, order
from tests.support.scripts.swarm_in_a_file import NAME, ROW, SwarmInAFile, release

ARMS = {"late": {"champion": {"version": "1"}, "challenger": {"version": "2"}}}
MODEL = f"{NAME}_model"


def past(number: int, name: str) -> Record:
    document = {"created": f"2026-01-{number:02}T00:00:00+00:00", "models": ARMS}
    return release(number, name, golden={}, document=document)


SERVED: dict[str, dict[str, Any]] = {}


def serve(swarm: SwarmInAFile, name: str = "aaaa", number: int = 1) -> None:
    """The stack as it is after a release came in; how the first one does is the same each time."""
    is_first = not swarm.read()["config"]
    if is_first and name in SERVED:
        swarm.write({**SERVED[name], "image": swarm.read()["image"]})
        return
    carry_out(order(past(number, name)))
    if is_first:
        SERVED[name] = swarm.read()


@pytest.fixture(autouse=True)
def _site(swarm: SwarmInAFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every secret and key is there, and what is waited for comes at once."""
    monkeypatch.setattr(wait, "POLL", 0.01)
    for name in secrets_and_configs.NAMES:
        labels = {"swarmline.stack": NAME, "swarmline.name": name}
        swarm.change("secret", **{f"{NAME}_{name}_1": {"labels": labels, "content": ""}})
    key = tmp_path / "build/secrets/deployer.key"
    key.parent.mkdir(parents=True)
    key.write_text("a-key\n", encoding="ascii")


def image(swarm: SwarmInAFile, name: str, day: int) -> str:
    """Published, and pulled by a deploy."""
    reference = past(day, name).image
    files = {
        "/app/release.json": {"release": name, **past(day, name).document},
        **{f"/app/bundles/late/{version}/golden.json": ROW for version in "12"},
    }
    config = {"Config": {"Labels": {"swarmline.release": name}, "Env": []}}
    swarm.change("image", **{reference: {"config": config, "files": files}})
    return reference


def wanted(swarm: SwarmInAFile) -> tuple[int, str]:
    """How many the service is to have, and how many its label says that a command of ours ordered."""
    about = swarm.read()["service"][MODEL]["deploy"]
    return about["replicas"], about["labels"]["swarmline.replicas"]


def ordered_by_hand(swarm: SwarmInAFile, count: int) -> None:
    """As `docker service scale` does it."""
    stack = swarm.read()
    stack["service"][MODEL]["deploy"]["replicas"] = count
    swarm.write(stack)


def set_number() -> int | None:
    chosen = replicas.set_replicas(NAME)
    return chosen.replicas if chosen else None


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


def test_a_deploy_keeps_what_was_set(swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]):
    serve(swarm)
    scale.main(["4", "--by", "ann"])
    assert deploy.main(["--image", image(swarm, "bbbb", 5), "--watch", "0"]) == 0
    assert wanted(swarm) == (4, "4") and swarm.history[0].release == "bbbb"
    assert "keeps its replicas, 4, set by ann" in capsys.readouterr().err


def test_a_plan_finds_nothing_to_do_after_it(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    arguments = ["--image", image(swarm, "bbbb", 5)]
    assert deploy.main([*arguments, "--watch", "0"]) == scale.main(["4"]) == 0
    monitored = plan.bring_in.is_due
    plan.bring_in.is_due = lambda *_: False
    try:
        assert plan.main(arguments) == 0
    finally:
        plan.bring_in.is_due = monitored
    assert capsys.readouterr().out == "nothing\n"


def test_a_rollback_to_a_release_from_before_keeps_it(swarm: SwarmInAFile):
    serve(swarm)
    serve(swarm, "bbbb", 2)
    scale.main(["4"])
    assert rollback.main([]) == 0
    assert wanted(swarm) == (4, "4") and swarm.history[0].release == "aaaa"


def test_the_way_back_from_a_release_that_is_not_good_keeps_it(swarm: SwarmInAFile):
    serve(swarm)
    scale.main(["4"])
    bad = image(swarm, "bbbb", 5)
    swarm.change("bad", **{bad: {"state": "failed", "error": "task: non-zero exit (1)"}})
    assert deploy.main(["--image", bad, "--watch", "0"]) == 2
    assert wanted(swarm) == (4, "4")


def test_a_change_of_traffic_keeps_it(swarm: SwarmInAFile):
    serve(swarm)
    scale.main(["4"])
    ordered_by_hand(swarm, 2)
    assert traffic.main(["late", "--mode", "split", "--share", "5", "--watch", "0"]) == 0
    assert wanted(swarm) == (4, "4") and swarm.history[0].kind == "traffic"


def test_a_stack_that_was_taken_down_comes_back_with_it(swarm: SwarmInAFile):
    serve(swarm)
    scale.main(["4"])
    assert down.main(["--yes"]) == 0 and not swarm.read()["service"]
    serve(swarm)
    assert wanted(swarm) == (4, "4")


def test_with_everything_else_it_is_removed(swarm: SwarmInAFile):
    serve(swarm)
    scale.main(["4"])
    assert down.main(["--yes", "--volumes"]) == 0
    assert set_number() is None


def test_unset_the_settings_decide_again(swarm: SwarmInAFile):
    serve(swarm)
    scale.main(["4"])
    assert scale.main(["--unset", "--why", "harvest is over"]) == 0
    assert wanted(swarm) == (2, "2") and set_number() is None
    assert swarm.history[0].why == "replicas 4 -> 2, left to the settings again: harvest is over"


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


SCALE = "from scripts.release import scale\nraise SystemExit(scale.main(['4', '--json']))"


def cut_short(swarm: SwarmInAFile, number: int) -> subprocess.CompletedProcess[str]:
    """By a signal in the middle of its order to the Swarm."""
    swarm.fault("service update", signal=number)
    command = [sys.executable, "-c", SCALE]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )


def test_an_interrupt_brings_the_number_of_before_back(swarm: SwarmInAFile):
    serve(swarm)
    done = cut_short(swarm, signal.SIGTERM)
    assert json.loads(done.stdout)["reason"].startswith("interrupted by SIGTERM; 2 replicas serve")
    assert done.returncode == 2
    assert wanted(swarm) == (2, "2") and set_number() is None and not swarm.is_locked


def test_of_one_that_is_killed_the_next_deploy_carries_out_what_was_meant(swarm: SwarmInAFile):
    serve(swarm)
    assert cut_short(swarm, signal.SIGKILL).returncode == -signal.SIGKILL
    assert deploy.main(["--image", image(swarm, "bbbb", 5), "--watch", "0"]) == 0
    assert wanted(swarm) == (4, "4")


def lock(until: float) -> dict[str, Any]:
    facts = {"by": "bob", "intended": "cccc", "since": "now", "until": until, "process": ""}
    labels = {"swarmline.stack": NAME, "swarmline.name": "deploying"}
    return {f"{NAME}_deploying": {"labels": labels, "content": json.dumps(facts)}}


def test_it_waits_for_a_deploy_that_is_under_way(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    serve(swarm)
    swarm.change("config", **lock(time.time() + 60))
    assert scale.main(["4", "--patience", "0"]) == 1
    assert "is locked: bob has been at cccc" in capsys.readouterr().err
    assert wanted(swarm) == (2, "2")
    swarm.fault("config inspect")
    swarm.fault("config inspect", others=lock(0.0))
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


def test_many_changes_push_no_release_out_of_the_ledger(swarm: SwarmInAFile):
    serve(swarm)
    serve(swarm, "bbbb", 2)
    for count in "345":
        scale.main([count])
    assert prune.main(["--keep", "2"]) == 0
    assert [record.release for record in swarm.history if record.verified] == ["bbbb", "aaaa"]
    assert [record.why[-6:] for record in swarm.history if record.kind == "scale"] == [
        "4 -> 5",
        "3 -> 4",
    ]
    assert set_number() == 5


def test_the_status_has_the_number_of_the_settings_the_one_set_and_how_many_run(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    serve(swarm)
    scale.main(["4", "--by", "ann", "--why", "harvest"])
    facts = status.gather(NAME)
    assert (facts["replicas"]["settings"], facts["replicas"]["running"]) == (2, 4)
    status_screen.show(facts)
    assert "UTC: harvest; the settings say 2; 4 run" in capsys.readouterr().err
    assert not any("replicas" in problem for problem in facts["problems"])


def test_the_status_warns_where_another_number_is_ordered_than_was_set(swarm: SwarmInAFile):
    serve(swarm)
    scale.main(["4"])
    ordered_by_hand(swarm, 2)
    (warning,) = (text for text in status.gather(NAME)["warnings"] if "are set" in text)
    assert warning.startswith(f"{MODEL} is to have 2 replicas, and 4 are set")
