"""What was set is kept by whatever brings a release in, until it is unset."""

from __future__ import annotations

import signal

import pytest

from scripts.operate import down, prune, status, status_screen
from scripts.release import deploy, plan, rollback, scale, traffic
from tests.support.scripts.scaled_stack import (
    MODEL,
    cut_short,
    ordered_by_hand,
    publish,
    serve,
    set_number,
    wanted,
)
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile


def test_a_deploy_keeps_what_was_set(swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]):
    serve(swarm)
    scale.main(["4", "--by", "ann"])
    assert deploy.main(["--image", publish(swarm, "bbbb", 5), "--watch", "0"]) == 0
    assert wanted(swarm) == (4, "4") and swarm.history[0].release == "bbbb"
    assert "keeps its replicas, 4, set by ann" in capsys.readouterr().err


def test_a_plan_finds_nothing_to_do_after_it(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    arguments = ["--image", publish(swarm, "bbbb", 5)]
    assert deploy.main([*arguments, "--watch", "0"]) == scale.main(["4"]) == 0
    monkeypatch.setattr(plan.bring_in, "is_due", lambda *_: False)
    assert plan.main(arguments) == 0
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
    bad = publish(swarm, "bbbb", 5)
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


def test_of_one_that_is_killed_the_next_deploy_carries_out_what_was_meant(swarm: SwarmInAFile):
    serve(swarm)
    assert cut_short(swarm, signal.SIGKILL).returncode == -signal.SIGKILL
    assert deploy.main(["--image", publish(swarm, "bbbb", 5), "--watch", "0"]) == 0
    assert wanted(swarm) == (4, "4")


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
