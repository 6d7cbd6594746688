"""Who is asked before a release, what the answer does, and what becomes of a release that nobody wants."""

from __future__ import annotations

import pytest

from tests.support.jenkins.builds import BUILT, END, REJECTED, Run, Runs, done, goals, ran, status

# They need Java.
pytestmark = pytest.mark.slow


def test_who_approved_and_why_reach_the_deploy_and_no_agent_waits(runs: Runs) -> None:
    (deploy,) = ran(runs["main"], "make deploy")
    assert (deploy["env"]["BY"], deploy["env"]["WHY"]) == ("operator", "it is better")
    (asked,) = done(runs["main"], "input")
    assert asked["agent"] is None


def asked(run: Run) -> dict[str, str]:
    (step,) = done(run, "input")
    return step


def test_who_is_asked_sees_what_for(runs: Runs) -> None:
    assert "Deploy r-2: one 1, trained (r2 0.9)? " in asked(runs["main"])["message"]
    archived = [step["stage"] for step in done(runs["main"], "archiveArtifacts")]
    assert archived == ["Candidate", ""]


def test_only_who_may_operate_is_asked(runs: Runs) -> None:
    assert asked(runs["main"])["submitter"] == "admin,operator"


def test_a_site_names_its_own_people_and_groups(runs: Runs) -> None:
    run = runs["approvers of a site"]
    assert asked(run)["submitter"] == "bob, releasers"
    assert (run["result"], status(run)["Deploy"]) == ("SUCCESS", "done")


def test_the_answer_of_anybody_else_counts_for_nothing(runs: Runs) -> None:
    run = runs["answered by a stranger"]
    assert run["result"] == "ABORTED" and "deploy" not in goals(run)


@pytest.mark.parametrize("case", ["unapproved", "by the clock"])
def test_nobody_is_asked_where_nobody_should_be(runs: Runs, case: str) -> None:
    assert done(runs[case], "input") == [] and status(runs[case])["Deploy"] == "done"


def test_without_an_approval_the_ledger_gets_build_and_reason(runs: Runs) -> None:
    (deploy,) = ran(runs["unapproved"], "make deploy")
    assert (deploy["env"]["BY"], deploy["env"]["WHY"]) == ("jenkins-main-7", "drift")


@pytest.mark.parametrize("case", ["aborted", "rejected"])
def test_a_refusal_aborts_deploys_nothing_and_is_reported(runs: Runs, case: str) -> None:
    run = runs[case]
    assert run["result"] == "ABORTED" and goals(run) == [*BUILT, *REJECTED]
    assert run["description"].startswith("ABORTED")


def test_who_rejected_and_why_is_kept_with_the_versions(runs: Runs) -> None:
    (rejection,) = ran(runs["rejected"], "make reject-unreleased")
    names = ("VERDICT", "BY", "WHY", "MLFLOW_PSW", "DOCKER_CLIENT")
    values = [rejection["env"].get(name) for name in names]
    assert values == ["reject", "admin", "too slow", "mlflow-secret", "/secrets/client.zip"]


def test_an_approval_that_ends_without_an_answer_is_told_apart(runs: Runs) -> None:
    (rejection,) = ran(runs["aborted"], "make reject-unreleased")
    assert rejection["env"]["VERDICT"] == "none"


def test_what_cannot_be_marked_as_rejected_is_reported_all_the_same(runs: Runs) -> None:
    run = runs["rejected, and MLflow is down"]
    assert run["result"] == "ABORTED" and goals(run)[-2:] == REJECTED[-2:]


@pytest.mark.parametrize("case", ["main", "nothing changed", "gate fails", "publish fails"])
def test_what_was_released_or_never_offered_is_not_rejected(runs: Runs, case: str) -> None:
    assert "reject-unreleased" not in goals(runs[case])


def test_what_was_withdrawn_comes_in_again_when_a_person_says_so(runs: Runs) -> None:
    run = runs["withdrawn"]
    (deploy,) = ran(run, "make deploy")
    assert run["result"] == "SUCCESS" and deploy["env"]["WITHDRAWN"] == "1"


def test_what_was_not_withdrawn_is_deployed_as_such(runs: Runs) -> None:
    (deploy,) = ran(runs["main"], "make deploy")
    assert not deploy["env"].get("WITHDRAWN")


def test_what_was_withdrawn_stays_out_where_nobody_is_asked(runs: Runs) -> None:
    run = runs["withdrawn, nobody asked"]
    assert run["result"] == "SUCCESS" and goals(run) == [*BUILT, *END]


def test_what_was_withdrawn_can_be_rejected_again(runs: Runs) -> None:
    run = runs["withdrawn, rejected again"]
    assert run["result"] == "ABORTED" and goals(run) == [*BUILT, *REJECTED]
