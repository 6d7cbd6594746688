"""A release comes into the stack that serves callers once its staging has confirmed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.ledger import records
from scripts.operate import confirm, status
from scripts.release import deploy, rollback, staging
from tests.support.scripts.staged_site import TRIAL, StagedSite
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile


def test_what_staging_has_not_confirmed_does_not_come_in(
    site: StagedSite, capsys: pytest.CaptureFixture[str]
):
    assert site.deliver("bbbb", 5) == 1
    said = capsys.readouterr().err
    assert "release bbbb has not been confirmed: stack trial is the staging of shop" in said
    assert "`make deploy confirm STACK=trial` confirms it" in said
    # That it came into staging is not enough.
    assert site.stage("bbbb", 5) == 0 and site.deliver("bbbb", 5) == 1
    assert site.serving == "aaaa"


def test_what_staging_confirmed_comes_in_and_nothing_else_does(site: StagedSite):
    assert site.stage("bbbb", 5) == 0 and site.confirm("--by", "ann") == 0
    kept = site.last
    assert (kept.kind, kept.release, kept.outcome, kept.by, kept.replaced) == (
        *("staging", "bbbb", "confirmed", "ann", "aaaa"),
    )
    assert "in trial: golden rows as exported; " in kept.reason and "none failed" in kept.reason
    assert kept.inputs is None and kept.document["code"] == "of 5"
    assert site.deliver("cccc", 6) == 1 and site.serving == "aaaa"
    assert site.deliver("bbbb", 5) == 0 and site.serving == "bbbb"
    assert [record.release for record in records.history(TRIAL)] == ["bbbb"]


def test_the_same_image_counts_by_another_registry_s_name(site: StagedSite):
    assert site.stage("bbbb", 5) == 0 and site.confirm() == 0
    reference = site.publish("bbbb", 5)
    elsewhere = f"other/{reference}"
    site.swarm.change("image", **{elsewhere: site.swarm.read()["image"][reference]})
    assert deploy.main(["--image", elsewhere, "--watch", "0"]) == 0


def test_what_was_not_confirmed_comes_in_on_purpose_with_a_reason(
    site: StagedSite, capsys: pytest.CaptureFixture[str]
):
    assert site.deliver("bbbb", 5, "--unconfirmed") == 1
    assert "needs a reason for the ledger" in capsys.readouterr().err
    assert site.deliver("bbbb", 5, "--unconfirmed", "--why", "shop is down") == 0
    assert site.serving == "bbbb" and site.last.why == "shop is down"


def test_what_serves_gets_other_settings_without_being_confirmed_anew(
    site: StagedSite, settings: Path
):
    assert site.deliver("bbbb", 5, "--unconfirmed", "--why", "w") == 0
    with (settings / f"{NAME}.env").open("a", encoding="utf-8") as file:
        file.write("MODEL_REPLICAS=4\n")
    assert site.deliver("bbbb", 5) == 0
    assert site.last.inputs is not None and site.last.inputs.variables["MODEL_REPLICAS"] == "4"


def test_a_plan_says_deploy_of_what_is_still_to_be_confirmed(
    site: StagedSite, capsys: pytest.CaptureFixture[str]
):
    assert site.plan("bbbb", 5) == 0
    printed = capsys.readouterr()
    assert printed.out == "deploy\n" and "bbbb has not been confirmed" in printed.err


def test_a_rollback_asks_staging_nothing(site: StagedSite, swarm: SwarmInAFile):
    assert site.deliver("bbbb", 5, "--unconfirmed", "--why", "w") == 0
    assert rollback.main(["--to", "aaaa", "--why", "too sweet"]) == 0
    assert site.serving == "aaaa"
    assert not records.history(TRIAL)


def test_status_tells_of_both_stacks(site: StagedSite, capsys: pytest.CaptureFixture[str]):
    assert site.stage("bbbb", 5) == 0 and site.confirm() == 0
    capsys.readouterr()
    status.main(["--stack", NAME])
    assert "staging: stack trial, which said last: bbbb confirmed, 20" in capsys.readouterr().err
    site.in_trial(status.main)
    assert "staging of shop: what is confirmed here may come in there" in capsys.readouterr().err


def test_make_staging_names_the_stack_and_its_engine(
    settings: Path, capsys: pytest.CaptureFixture[str]
):
    assert staging.main([]) == 0 and capsys.readouterr().out == "trial\n"
    with (settings / f"{NAME}.env").open("a", encoding="utf-8") as file:
        file.write("STAGING_DOCKER_HOST=tcp://staging:2376\n")
    assert staging.main([]) == 0 and capsys.readouterr().out == "trial tcp://staging:2376\n"


def test_a_site_with_one_stack_sees_nothing_of_it(
    site: StagedSite, swarm: SwarmInAFile, settings: Path, capsys: pytest.CaptureFixture[str]
):
    (settings / f"{NAME}.env").write_text("EDGE_TLS=off\n", encoding="utf-8")
    assert staging.main([]) == 0 and capsys.readouterr().out == ""
    assert site.deliver("bbbb", 5) == 0
    assert confirm.main(["--deadline", "2"]) == 0
    assert "staging" not in capsys.readouterr().err
    assert [record.kind for record in swarm.history] == ["deploy", "deploy"]
