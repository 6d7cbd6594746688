"""What starts, changes and undoes releases, and what runs by the clock; make is a stand-in."""

from __future__ import annotations

import pytest

from tests.jenkins.test_pipeline_files import linted
from tests.support.jenkins.builds import Runs, done, goals

# They need Java.
pytestmark = pytest.mark.slow


def test_data_are_checked_and_retraining_is_started_when_asked(runs: Runs) -> None:
    assert goals(runs["data"]) == ["begin env models", "validate", "verdict", "notify"]
    assert done(runs["data"], "build") == []
    (started,) = done(runs["data, then train"], "build")
    assert (started["job"], started["wait"]) == ("retrain", False)
    assert started["parameters"]["REASON"] == "new data, jenkins-main-7"


def test_a_retraining_is_a_build_of_the_main_pipeline(runs: Runs) -> None:
    (started,) = done(runs["retrain"], "build")
    assert (started["job"], started["wait"]) == ("deliver/main", True)
    assert started["parameters"] == {
        "MODEL": "one",
        "ROLLOUT": "replace",
        "REASON": "scheduled",
        "FORCE": False,
        "APPROVE": False,
    }
    parameters = {step["name"] for step in linted()["Jenkinsfile"]["parameters"]}
    assert set(started["parameters"]) <= parameters


def test_a_site_retrains_the_branch_that_it_releases(runs: Runs) -> None:
    (started,) = done(runs["retrain elsewhere"], "build")
    # As a folder of branches calls its jobs.
    assert started["job"] == "deliver/live%2Feu"


def test_a_site_has_what_was_trained_again_go_through_its_ramp(runs: Runs) -> None:
    delivered, ramp = done(runs["retrain beside the champion"], "build")
    assert delivered["parameters"]["ROLLOUT"] == "beside"
    assert (ramp["job"], ramp["wait"]) == ("experiment", False)
    assert ramp["parameters"] == {"MODEL": "one", "REASON": "InputDrift"}
    parameters = linted()["experiment.Jenkinsfile"]["parameters"]
    assert set(ramp["parameters"]) <= {step["name"] for step in parameters}


@pytest.mark.parametrize("case", ["nothing new", "several"])
def test_without_a_new_version_of_one_model_no_ramp_is_started(runs: Runs, case: str) -> None:
    (delivered,) = done(runs[f"retrain beside the champion, {case}"], "build")
    assert delivered["parameters"]["ROLLOUT"] == "beside"


def test_one_click_rolls_back_one(runs: Runs) -> None:
    run = runs["rollback"]
    assert (run["result"], goals(run)) == ("SUCCESS", ["begin rollback", "verdict", "notify"])
    assert run["ran"][0]["env"]["TO"] == ""


def test_a_release_can_be_chosen_from_the_ledger(runs: Runs) -> None:
    run = runs["rollback, chosen"]
    assert goals(run) == ["releases", "begin rollback", "verdict", "notify"]
    assert done(run, "input")[0]["choices"] == ["r-2\nr-1"]
    assert run["ran"][1]["env"]["TO"] == "r-1"


def test_as_many_replicas_serve_as_are_asked_for(runs: Runs) -> None:
    run = runs["scale"]
    assert (run["result"], goals(run)) == ("SUCCESS", ["begin scale", "verdict", "notify"])
    told = run["ran"][0]["env"]
    assert (told["REPLICAS"], told["UNSET"], told["WHY"]) == ("4", "false", "harvest")
    assert told["BY"] == "jenkins-main-7" and told["SWARMLINE_KEY_FILE"]


def test_a_challenger_that_got_all_callers_is_promoted_and_released_as_that_very_version(
    runs: Runs,
) -> None:
    run = runs["experiment"]
    assert goals(run) == ["begin", "ramp", "promote", "verdict", "notify"]
    ramp, promote = run["ran"][1], run["ran"][2]
    assert ramp["env"]["DOCKER_CLIENT"] and ramp["env"]["BY"] == "jenkins-main-7"
    assert (promote["env"]["MODEL"], promote["env"]["VERSION"]) == ("one", "6")
    assert promote["env"]["WHY"] == "a ramp with a verdict: jenkins-main-7"
    assert promote["env"].get("DOCKER_CLIENT") is None
    (started,) = done(run, "build")
    assert (started["job"], started["wait"]) == ("deliver/main", True)
    # With `replace` a version that is trained meanwhile would take the champion's place.
    assert started["parameters"] == {
        "MODEL": "one",
        "ROLLOUT": "beside",
        "REASON": "version 6 by jenkins-main-7",
        "APPROVE": False,
    }


@pytest.mark.parametrize(
    ("name", "result"),
    [("experiment, not promoted", "SUCCESS"), ("experiment, worse", "FAILURE")],
)
def test_a_challenger_that_did_not_is_neither(runs: Runs, name: str, result: str) -> None:
    run = runs[name]
    assert (run["result"], goals(run)) == (result, ["begin", "ramp", "verdict", "notify"])
    assert done(run, "build") == []


def test_a_table_is_scored_with_what_was_promoted_and_without_a_secret(runs: Runs) -> None:
    run = runs["score"]
    assert goals(run) == ["begin env models", "export", "score", "verdict", "notify"]
    export, score = run["ran"][1], run["ran"][2]
    assert export["env"]["MLFLOW_PSW"] and score["env"].get("MLFLOW_PSW") is None
    told = score["env"]
    assert (told["MODEL"], told["SOURCE"]) == ("one", "/data/$(x).csv")
    assert (told["OUT"], told["ARGS"]) == ("build/reports/scored.parquet", "--separator ;")


def test_the_night_prunes_backs_up_and_tries_the_backup(runs: Runs) -> None:
    assert goals(runs["housekeeping"]) == [
        "begin prune",
        "backup",
        "audit",
        "restore-test",
        "test-fast",
        "verdict",
        "notify",
    ]


def test_a_machine_for_tests_runs_all_of_them_each_night(runs: Runs) -> None:
    run = runs["housekeeping, with a machine for tests"]
    assert goals(run)[4:] == ["test-fast", "begin test", "verdict", "notify"]
    assert "make test-fast AGAIN=1 COVERAGE=1" in [step["sh"] for step in run["ran"]]
    assert "make begin test ALL=1" in [step["sh"] for step in run["ran"]]
    assert len({step["machine"] for step in run["ran"]}) == 2


def test_who_cannot_be_told_in_a_report_is_told_that_there_is_none(runs: Runs) -> None:
    run = runs["no report"]
    (mail,) = done(run, "emailext")
    assert run["result"] == "FAILURE" and "no report could be made; see http" in mail["body"]


def test_each_night_what_the_monitor_says_is_kept(runs: Runs) -> None:
    run = runs["monitor"]
    assert (run["result"], goals(run)) == ("SUCCESS", ["begin monitor-report", "verdict", "notify"])
    assert run["ran"][0]["env"]["SWARMLINE_KEY_FILE"]
