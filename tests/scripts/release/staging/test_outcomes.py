"""What staging makes of a release: confirmed, red and withdrawn, or nothing at all."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from scripts.ledger import records
from scripts.operate import confirm
from scripts.release import rollback
from tests.support.scripts.staged_site import TRIAL, WRONG, StagedSite, past
from tests.support.scripts.swarm_in_a_file import NAME, ROW, SwarmInAFile, locked


def test_a_release_that_is_red_in_staging_is_withdrawn(
    site: StagedSite, swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    swarm.change("answers", bbbb=WRONG)
    assert site.stage("bbbb", 5, "--deadline", "3") == 2
    assert (site.last.outcome, site.last.release) == ("red", "bbbb")
    assert site.last.reason.startswith("in trial: smoke test: late 1 (champion): golden row 0")
    capsys.readouterr()
    assert site.plan("bbbb", 5) == 0
    assert capsys.readouterr().out == "withdrawn\n"
    assert site.deliver("bbbb", 5) == 1
    assert "bbbb does not come in again: it was red in trial: smoke test" in capsys.readouterr().err
    # A later build of the same code, too.
    assert site.deliver("cccc", 5) == 1
    assert "its code is that of bbbb" in capsys.readouterr().err
    assert site.serving == "aaaa"


def test_a_release_that_answers_wrongly_later_is_withdrawn_by_the_proof(
    site: StagedSite, swarm: SwarmInAFile, tmp_path: Path
):
    assert site.stage("bbbb", 5) == 0 and site.confirm() == 0
    swarm.change("answers", bbbb=WRONG)
    assert site.confirm() == 1
    assert site.last.outcome == "red" and "golden row 0" in site.last.reason
    outcome = json.loads((tmp_path / "build/release/staging.json").read_bytes())
    assert (outcome["code"], outcome["red"]) == (1, True)
    assert site.deliver("bbbb", 5) == 1 and site.serving == "aaaa"


def test_what_was_red_and_is_confirmed_after_all_comes_in(site: StagedSite, swarm: SwarmInAFile):
    assert site.stage("bbbb", 5) == 0
    swarm.change("answers", bbbb=WRONG)
    assert site.confirm() == 1
    swarm.change("answers", bbbb=ROW["predictions"])
    assert site.confirm() == 0
    assert site.deliver("bbbb", 5) == 0 and site.serving == "bbbb"


def test_what_staging_says_takes_no_person_s_rejection_back(
    site: StagedSite, swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    facts = {"kind": records.REJECTION, "outcome": records.REJECTED, "why": "too sweet"}
    rejected = past(2, "bbbb", 5, **facts)._replace(inputs=None)
    swarm.remember(rejected)
    assert site.stage("bbbb", 5) == 0 and site.confirm() == 0
    assert site.deliver("bbbb", 5) == 1
    assert "ann rejected it" in capsys.readouterr().err


def test_who_ends_a_deploy_to_staging_withdraws_nothing(site: StagedSite, swarm: SwarmInAFile):
    assert site.stage("aaaa", 1) == 0
    swarm.fault("stack deploy", signal=signal.SIGTERM)
    assert site.stage("bbbb", 5) == 2
    assert site.last.release == "aaaa" and site.serving == "aaaa"


def test_a_deploy_that_staging_refused_withdraws_nothing(
    site: StagedSite, settings: Path, capsys: pytest.CaptureFixture[str]
):
    before = site.last
    (settings / f"{TRIAL}.env").write_text("EDGE_TLS=off\n", encoding="utf-8")
    assert site.stage("bbbb", 5) == 1
    assert "stack shop has port 443 of this Swarm: EDGE_PORT" in capsys.readouterr().err
    assert site.last == before


def test_without_a_load_nothing_is_confirmed(site: StagedSite, capsys: pytest.CaptureFixture[str]):
    assert site.stage("bbbb", 5) == 0 and site.confirm("--load", "0") == 0
    assert "without a load nothing is confirmed for shop" in capsys.readouterr().err
    assert site.last.release == "aaaa"


def test_what_does_not_reach_the_journal_is_neither_confirmed_nor_withdrawn(
    site: StagedSite,
    swarm: SwarmInAFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(confirm, "SHIPPED_SECONDS", 1.5)
    # Only who has it is told of replicas.
    (tmp_path / f"build/secrets/{TRIAL}/edge.key").write_text("edge-key\n", encoding="ascii")
    assert site.stage("bbbb", 5) == 0
    swarm.write({**swarm.read(), "lag": 40})
    capsys.readouterr()
    assert site.confirm() == 1
    words = capsys.readouterr().err
    assert "the journal of replica" in words and "nothing is confirmed" in words
    assert site.last.release == "aaaa", "no word of staging about bbbb"
    swarm.write({**swarm.read(), "lag": 0})
    assert site.confirm() == 0
    assert (site.last.outcome, site.last.release) == ("confirmed", "bbbb")


def test_nothing_is_judged_while_another_works_on_staging(
    site: StagedSite,
    swarm: SwarmInAFile,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    assert site.stage("bbbb", 5) == 0
    swarm.change("config", **locked(time.time() + 60, TRIAL))
    monkeypatch.setattr(confirm, "PATIENCE", 0.0)
    assert site.confirm() == 1
    assert "is locked: bob has been at cccc" in capsys.readouterr().err
    assert site.last.release == "aaaa"
    assert site.confirm("--break-lock") == 0 and site.last.outcome == "confirmed"


@pytest.mark.parametrize("load", ["-1", "601", "nan"])
def test_a_load_without_bounds_is_refused(
    site: StagedSite, load: str, capsys: pytest.CaptureFixture[str]
):
    assert site.confirm(f"--load={load}") == 1
    assert "allowed are 0 to 600 seconds" in capsys.readouterr().err


def test_a_rollback_of_staging_withdraws_nothing_from_production(site: StagedSite):
    assert site.stage("aaaa", 1) == 0 and site.stage("bbbb", 5) == 0 and site.confirm() == 0
    assert site.in_trial(rollback.main, "--why", "to look at the former") == 0
    assert site.deliver("bbbb", 5) == 0


def test_staging_in_another_swarm_keeps_its_word_in_the_swarm_of_production(
    site: StagedSite,
    swarm: SwarmInAFile,
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    with (settings / f"{NAME}.env").open("a", encoding="utf-8") as file:
        file.write("STAGING_DOCKER_HOST=tcp://staging:2376\n")
    monkeypatch.setenv("DOCKER_HOST", "tcp://staging:2376")
    assert site.stage("bbbb", 5) == 1
    assert "PRODUCTION_DOCKER_HOST has to name that one's engine" in capsys.readouterr().err
    monkeypatch.setenv("PRODUCTION_DOCKER_HOST", "tcp://production:2376")
    assert site.stage("bbbb", 5) == 0 and site.confirm() == 0
    (kept,) = (call for call in swarm.calls("config", "create") if f"{NAME}_release_2" in call["words"])  # fmt: skip
    assert kept["environ"]["DOCKER_HOST"] == "tcp://production:2376"
    others = [call["environ"].get("DOCKER_HOST") for call in swarm.calls("stack", "deploy")]
    assert set(others) == {"tcp://staging:2376"}
