"""The main pipeline does what it should, whatever happens; make is a stand-in."""

from __future__ import annotations

import pytest

from tests.support.jenkins.builds import BUILT, CANDIDATE, END, Runs, done, goals, ran, status

# They need Java.
pytestmark = pytest.mark.slow
#: The stage around them binds their secrets, and so what its `post` runs has them too.
RELEASE = {"Release", "Fetch", "Deploy", "Confirm"}


def test_main_goes_from_a_commit_to_a_release_that_serves(runs: Runs) -> None:
    run = runs["main"]
    assert run["result"] == "SUCCESS", run
    assert goals(run) == [*BUILT, "begin", "deploy", "confirm promote-released", "verdict", *END]


def test_the_first_build_of_a_branch_has_no_parameters_and_does_the_same(
    runs: Runs,
) -> None:
    run = runs["first of a branch"]
    assert goals(run) == goals(runs["main"]) and len(done(run, "input")) == 1
    (image,) = ran(run, "make export image")
    assert image["env"]["ROLLOUT"] == "replace"


def test_models_are_trained_side_by_side_each_by_its_name(runs: Runs) -> None:
    trained = [step["env"]["MODEL"] for step in runs["main"]["ran"] if "make train" in step["sh"]]
    assert sorted(trained) == ["one", "two"]


def test_a_release_is_fetched_where_another_machine_deploys_it(runs: Runs) -> None:
    machines = {step["sh"]: step["machine"] for step in runs["main"]["ran"]}
    assert machines["make publish"] != machines["make deploy"]


@pytest.mark.parametrize(
    ("secret", "stages"),
    [
        ("MLFLOW_PSW", {"Train", "Image", *RELEASE}),
        ("REGISTRY_LOGIN_PSW", {"Publish", "Plan", "Deploy"}),
        ("DOCKER_CLIENT", {"Image", "Publish", "Plan", *RELEASE}),
        ("SWARMLINE_KEY_FILE", {"Plan", *RELEASE}),
    ],
)
def test_a_secret_is_bound_where_it_is_needed_and_nowhere_else(
    runs: Runs, secret: str, stages: set[str]
) -> None:
    assert {step["stage"] for step in runs["main"]["ran"] if secret in step["env"]} == stages


def test_with_nothing_new_nobody_is_asked_and_nothing_is_deployed(runs: Runs) -> None:
    run = runs["nothing changed"]
    assert done(run, "input") == []
    assert goals(run) == [*BUILT, "begin", "confirm promote-released", "verdict", *END]


def test_documents_alone_are_checked_and_no_more(runs: Runs) -> None:
    assert goals(runs["documents"]) == [*CANDIDATE, *END]


def test_a_branch_ends_after_the_gate_without_a_secret(runs: Runs) -> None:
    run = runs["branch"]
    assert goals(run) == [*CANDIDATE, "train gate", *END]
    assert all("MLFLOW_PSW" not in step["env"] for step in run["ran"])


@pytest.mark.parametrize(("case", "last"), [("dry run", "audit"), ("not to deploy", "publish")])
def test_parameters_end_it_earlier(runs: Runs, case: str, last: str) -> None:
    assert runs[case]["result"] == "SUCCESS" and goals(runs[case])[-4:] == [last, *END]


@pytest.mark.parametrize(
    ("case", "stage"),
    [
        ("check-types fails", "Types"),
        ("validate fails", "Data"),
        ("train fails", "Train"),
        ("gate fails", "Gate"),
        ("image fails", "Image"),
        ("publish fails", "Publish"),
        ("deploy fails", "Deploy"),
        ("confirm fails", "Confirm"),
    ],
)
def test_what_fails_is_red_and_ends_it_with_a_report(runs: Runs, case: str, stage: str) -> None:
    run = runs[case]
    assert (run["result"], status(run)[stage]) == ("FAILURE", "failed")
    assert goals(run)[-1] == "notify" and run["ran"][-1]["env"]["RESULT"] == "FAILURE"
    assert case == "confirm fails" or "confirm promote-released" not in goals(run)
    (mail,) = done(run, "emailext")
    assert (mail["subject"], mail["body"]) == ("FAILURE subject\n", "FAILURE mail\n")
    assert mail["to"] == "FAILURE recipients\n"


def test_a_deploy_s_verdict_is_waited_for_where_it_runs_whatever_became_of_the_step(
    runs: Runs,
) -> None:
    run = runs["deploy fails"]
    machines = [
        step["machine"] for step in run["ran"] if step["sh"] in ("make deploy", "make verdict")
    ]
    assert machines[0] == machines[1] and goals(run)[-6:-4] == ["deploy", "verdict"]


def test_a_build_that_is_aborted_once_more_while_it_waits_is_told_of_all_the_same(
    runs: Runs,
) -> None:
    run = runs["verdict fails"]
    assert goals(run)[-1] == "notify" and len(done(run, "emailext")) == 1


def test_what_could_not_be_audited_is_unstable_and_released_all_the_same(runs: Runs) -> None:
    run = runs["not audited"]
    assert run["result"] == "UNSTABLE" and "confirm promote-released" in goals(run)
    assert run["ran"][-1]["env"]["RESULT"] == "UNSTABLE"


def test_a_parameter_that_is_not_declared_is_refused(runs: Runs) -> None:
    assert runs["unknown parameter"]["result"] == "MODEL"


def test_no_secret_is_in_a_log(runs: Runs) -> None:
    assert not [name for name, run in runs.items() if "-secret" in run["log"]]
