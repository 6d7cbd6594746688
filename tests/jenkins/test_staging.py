"""A build of a stack that has a staging: there first, by the same digest, and only then, after a person, to callers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.jenkins.builds import BUILT, END, REJECTED, Run, Runs, done, goals, ran, status

# They need Java.
pytestmark = pytest.mark.slow
STAGED = ["begin", "deploy", "confirm", "verdict"]


def at(run: Run, stage: str, command: str) -> dict[str, Any]:
    (step,) = (step for step in ran(run, command) if step["stage"] == stage)
    return dict(step["env"])


def test_a_release_is_confirmed_in_staging_approved_and_deployed(runs: Runs) -> None:
    run = runs["staging"]
    assert run["result"] == "SUCCESS"
    released = ["begin", "deploy", "confirm promote-released", "verdict"]
    assert goals(run) == [*BUILT, *STAGED, *released, *END]
    order = [stage for stage, how in status(run).items() if how == "done"]
    assert order.index("Staging") < order.index("Approve") < order.index("Release")


def test_each_stack_is_reached_by_its_own_name_and_keys(runs: Runs) -> None:
    there, here = (at(runs["staging"], stage, "make deploy") for stage in ("Staging", "Deploy"))
    assert (there["STACK"], here["STACK"]) == ("trial", "live")
    assert there["SWARMLINE_KEY_FILE"] == "/secrets/staging-api-key"
    assert here["SWARMLINE_KEY_FILE"] == "/secrets/api-key"
    assert (there["SWARMLINE_URL"], here["SWARMLINE_URL"]) == ("", "https://live")
    assert (there["SWARMLINE_OUTCOME"], here.get("SWARMLINE_OUTCOME")) == ("staging.json", None)
    assert at(runs["staging"], "Staging", "make confirm")["LOAD"] == "30"


def test_champions_move_after_production_alone(runs: Runs) -> None:
    (step,) = ran(runs["staging"], "make confirm promote-released")
    assert step["stage"] == "Confirm" and not step["env"].get("LOAD")


def test_a_staging_in_another_swarm_is_reached_at_its_engine(runs: Runs) -> None:
    run = runs["staging, in another Swarm"]
    there, here = (at(run, stage, "make deploy") for stage in ("Staging", "Deploy"))
    assert there["DOCKER_HOST"] == "tcp://staging:2376"
    assert there["PRODUCTION_DOCKER_HOST"] == here["DOCKER_HOST"] == "tcp://live:2376"


def test_who_is_asked_hears_that_staging_confirmed_it(runs: Runs) -> None:
    (asked,) = done(runs["staging"], "input")
    assert asked["message"].endswith(" Stack trial has confirmed it.")
    assert (asked["submitter"], asked["agent"]) == ("admin,operator", None)


def test_red_in_staging_asks_nobody_deploys_nothing_and_withdraws(runs: Runs) -> None:
    run = runs["staging, red"]
    assert run["result"] == "FAILURE" and done(run, "input") == []
    assert goals(run) == [*BUILT, *STAGED, *REJECTED]


def test_the_wrong_person_s_answer_leaves_production_as_it_is(runs: Runs) -> None:
    run = runs["staging, answered by a stranger"]
    assert run["result"] == "ABORTED"
    assert [step["env"]["STACK"] for step in ran(run, "make deploy")] == ["trial"]


def test_what_a_person_rejects_after_staging_is_withdrawn(runs: Runs) -> None:
    run = runs["staging, rejected"]
    assert run["result"] == "ABORTED" and goals(run) == [*BUILT, *STAGED, *REJECTED]


def test_without_an_approval_staging_decides(runs: Runs) -> None:
    run = runs["staging, unapproved"]
    assert [step["env"]["STACK"] for step in ran(run, "make deploy")] == ["trial", "live"]


def test_what_was_withdrawn_is_tried_where_a_person_is_asked(runs: Runs) -> None:
    steps = ran(runs["staging, withdrawn"], "make deploy")
    assert [(step["env"]["STACK"], step["env"]["WITHDRAWN"]) for step in steps] == [
        ("trial", "1"),
        ("live", "1"),
    ]


@pytest.mark.parametrize(
    "case",
    [
        *("staging, nothing changed", "staging, withdrawn, nobody asked"),
        *("staging, withdrawn, by the clock", "main", "branch", "documents", "dry run"),
    ],
)
def test_staging_is_skipped_where_nothing_is_to_be_tried(runs: Runs, case: str) -> None:
    assert status(runs[case]).get("Staging") == "skipped"
    assert not [step for step in runs[case]["ran"] if step["stage"] == "Staging"]
