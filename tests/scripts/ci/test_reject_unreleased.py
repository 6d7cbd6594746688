"""Candidates of a build that did not release them: who is told to have said no, and when nobody has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.ci import reject_unreleased
from scripts.ci.reject_unreleased import Rejection, rejection
from scripts.command.outcome import Refused
from scripts.ledger import records
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile, release

OFFERED = {"PLAN": "deploy", "BUILD_TAG": "jenkins-main-7"}


def judged(
    deploy: dict[str, Any] | None = None, staging: dict[str, Any] | None = None, **environ: str
) -> Rejection | None:
    return rejection({**OFFERED, **environ}, deploy or {}, staging or {})


def test_a_person_who_rejects_is_named_with_the_reason() -> None:
    verdict = judged(VERDICT="reject", BY="ann", WHY="too slow")
    assert verdict == Rejection("ann", "too slow")


def test_a_rejection_without_a_reason_says_so() -> None:
    assert judged(VERDICT="reject", BY="ann") == Rejection("ann", "no reason given")


def test_an_approval_without_an_answer_is_none() -> None:
    verdict = judged(VERDICT="none")
    assert verdict is not None and verdict.by == "jenkins-main-7"
    assert verdict.why.startswith("nobody agreed to it")


@pytest.mark.parametrize("code", [2, 3])
def test_a_release_that_did_not_prove_itself_is_rejected_by_its_deploy(code: int) -> None:
    verdict = judged({"code": code, "reason": "a replica was not ready"}, VERDICT="deploy")
    assert verdict == Rejection("jenkins-main-7", "the deploy failed: a replica was not ready")


@pytest.mark.parametrize("staging", [{"code": 2}, {"code": 3}, {"code": 1, "red": True}])
def test_a_release_that_was_red_in_staging_is_rejected(staging: dict[str, Any]) -> None:
    verdict = judged(staging={**staging, "reason": "a replica was not ready"}, RESULT="FAILURE")
    assert verdict == Rejection("jenkins-main-7", "red in staging: a replica was not ready")


@pytest.mark.parametrize("staging", [{"code": 0}, {"code": 1, "reason": "locked"}, {"code": None}])
def test_a_release_that_staging_did_not_judge_is_not(staging: dict[str, Any]) -> None:
    assert judged(staging=staging, RESULT="FAILURE") is None


def test_a_build_that_a_person_ended_releases_nothing_later() -> None:
    verdict = judged(VERDICT="deploy", RESULT="ABORTED")
    assert verdict == Rejection("jenkins-main-7", "the build was aborted before it served")


@pytest.mark.parametrize(
    ("deploy", "environ"),
    [
        # It serves, and what failed came after.
        ({"code": 0}, {}),
        ({"code": 0}, {"RESULT": "ABORTED"}),
        # The registry was down, or another deploy went on: the release was never tried.
        ({"code": 1, "reason": "locked"}, {}),
        # It goes on without the build, and may come to serve.
        ({"code": None, "reason": "not seen"}, {"RESULT": "ABORTED", "VERDICT": "deploy"}),
        # Its agent was lost in between.
        ({}, {"VERDICT": "deploy", "RESULT": "FAILURE"}),
        ({}, {}),
        ({}, {"PLAN": "nothing", "VERDICT": "none"}),
        ({}, {"PLAN": ""}),
    ],
)
def test_what_was_never_judged_is_not_rejected(
    deploy: dict[str, Any], environ: dict[str, str]
) -> None:
    assert judged(deploy, **environ) is None


@pytest.fixture(name="rejected")
def _rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build of r-2 that ann rejected, without an MLflow."""
    environ = {"VERDICT": "reject", "BY": "ann", "WHY": "too slow", "STACK": NAME, **OFFERED}
    environ |= {"SWARMLINE_BUILD": str(tmp_path), "SWARMLINE_BUNDLES": str(tmp_path / "bundles")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "release").mkdir()
    document = {"release": "r-2", "code": "two", "models": {}}
    (tmp_path / "release/release.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def test_the_swarm_keeps_who_rejected_a_release_also_with_mlflow_down(
    swarm: SwarmInAFile, rejected: Path
) -> None:
    swarm.remember(release(1, "r-1"))
    with pytest.raises(Refused, match="rejected by ann .too slow., but its versions could not be"):
        reject_unreleased.act()
    record = records.history(NAME)[0]
    assert (record.release, record.kind, record.by, record.why) == (
        "r-2",
        "rejection",
        "ann",
        "too slow",
    )
    assert record.document["code"] == "two" and record.replaced == "r-1" and not record.verified


def test_what_staging_has_kept_already_is_kept_once(swarm: SwarmInAFile, rejected: Path) -> None:
    red = release(2, "r-2", kind=records.STAGING, outcome=records.RED, reason="in trial: slow")
    swarm.remember(release(1, "r-1"), red)
    image = json.dumps({"image": red.image})
    (rejected / "release/image.json").write_text(image, encoding="utf-8")
    with pytest.raises(Refused, match="its versions could not be"):
        reject_unreleased.act()
    assert records.history(NAME)[0].outcome == records.RED


def test_a_swarm_that_cannot_be_told_is_said(swarm: SwarmInAFile, rejected: Path) -> None:
    swarm.fault("config ls", words="connection refused", times=9)
    with pytest.raises(Refused, match="the Swarm does not know of it: connection refused"):
        reject_unreleased.act()
