"""A release comes into the stack that serves callers once its staging has confirmed it, and not if it was red."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.engine import secrets_and_configs
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.operate import confirm, status
from scripts.release import deploy, plan, rollback, staging
from tests.support.scripts.swarm_in_a_file import NAME, ROW, SwarmInAFile, edge, release

TRIAL = "trial"
ARMS = {"late": {"champion": {"version": "1"}}}
WRONG = [7.0]


def document(day: int) -> dict[str, Any]:
    return {"created": f"2026-01-{day:02}T00:00:00+00:00", "models": ARMS, "code": f"of {day}"}


@pytest.fixture(name="settings")
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / f"{NAME}.env").write_text(f"STAGING={TRIAL}\nEDGE_TLS=off\n", encoding="utf-8")
    (folder / f"{TRIAL}.env").write_text("EDGE_TLS=off\nEDGE_PORT=8443\n", encoding="utf-8")
    monkeypatch.setenv("SWARMLINE_SETTINGS", str(folder))
    monkeypatch.delenv("EDGE_TLS")
    return folder


@pytest.fixture(name="trial", autouse=True)
def _trial(swarm: SwarmInAFile, settings: Path, tmp_path: Path) -> Iterator[str]:
    """The address of staging's edge. Each stack has its secrets, and a key of its own for who deploys."""
    for stack in (NAME, TRIAL):
        for name in secrets_and_configs.NAMES:
            labels = {"swarmline.stack": stack, "swarmline.name": name}
            swarm.change("secret", **{f"{stack}_{name}_1": {"labels": labels, "content": ""}})
    for folder in ("build/secrets", f"build/secrets/{TRIAL}"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "deployer.key").write_text("a-key\n", encoding="ascii")
    swarm.remember(past(1, "aaaa", 1))
    with edge(swarm, TRIAL) as url:
        yield url


def past(number: int, name: str, day: int, **facts: Any) -> Record:
    return release(number, name, golden={}, document=document(day), **facts)


def image(swarm: SwarmInAFile, name: str, day: int) -> str:
    """Published, and pulled by a deploy."""
    reference = past(0, name, day).image
    files = {
        "/app/release.json": {"release": name, **document(day)},
        "/app/bundles/late/1/golden.json": ROW,
    }
    config = {"Config": {"Labels": {"swarmline.release": name}, "Env": []}}
    swarm.change("image", **{reference: {"config": config, "files": files}})
    return reference


class Site:
    """Both stacks, by the commands that people and Jenkins give."""

    def __init__(self, swarm: SwarmInAFile, url: str, patch: pytest.MonkeyPatch):
        self.swarm, self._url, self._patch = swarm, url, patch

    def stage(self, name: str, day: int, *words: str) -> int:
        return self.in_trial(deploy.main, "--image", image(self.swarm, name, day), "--watch", "0", *words)  # fmt: skip

    def confirm(self, *words: str) -> int:
        return self.in_trial(confirm.main, "--load", "0.4", "--deadline", "2", *words)

    def in_trial(self, main: Any, *words: str) -> int:
        with self._patch.context() as patch:
            patch.setenv("SWARMLINE_URL", self._url)
            code: int = main(["--stack", TRIAL, *words])
            return code

    def deliver(self, name: str, day: int, *words: str) -> int:
        return deploy.main(["--image", image(self.swarm, name, day), "--watch", "0", *words])

    def plan(self, name: str, day: int) -> int:
        return plan.main(["--image", image(self.swarm, name, day)])

    @property
    def serving(self) -> str:
        record = records.serving(records.history(NAME))
        return record.release if record else ""

    @property
    def last(self) -> Record:
        return records.history(NAME)[0]


@pytest.fixture(name="site")
def _site(swarm: SwarmInAFile, trial: str, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(swarm, trial, monkeypatch)


def test_what_staging_has_not_confirmed_does_not_come_in(
    site: Site, capsys: pytest.CaptureFixture[str]
):
    assert site.deliver("bbbb", 5) == 1
    said = capsys.readouterr().err
    assert "release bbbb has not been confirmed: stack trial is the staging of shop" in said
    assert "`make deploy confirm STACK=trial` confirms it" in said
    # That it came into staging is not enough.
    assert site.stage("bbbb", 5) == 0 and site.deliver("bbbb", 5) == 1
    assert site.serving == "aaaa"


def test_what_staging_confirmed_comes_in_and_nothing_else_does(site: Site):
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


def test_the_same_image_counts_by_another_registry_s_name(site: Site):
    assert site.stage("bbbb", 5) == 0 and site.confirm() == 0
    reference = image(site.swarm, "bbbb", 5)
    elsewhere = f"other/{reference}"
    site.swarm.change("image", **{elsewhere: site.swarm.read()["image"][reference]})
    assert deploy.main(["--image", elsewhere, "--watch", "0"]) == 0


def test_what_was_not_confirmed_comes_in_on_purpose_with_a_reason(
    site: Site, capsys: pytest.CaptureFixture[str]
):
    assert site.deliver("bbbb", 5, "--unconfirmed") == 1
    assert "needs a reason for the ledger" in capsys.readouterr().err
    assert site.deliver("bbbb", 5, "--unconfirmed", "--why", "shop is down") == 0
    assert site.serving == "bbbb" and site.last.why == "shop is down"


def test_what_serves_gets_other_settings_without_being_confirmed_anew(site: Site, settings: Path):
    assert site.deliver("bbbb", 5, "--unconfirmed", "--why", "w") == 0
    with (settings / f"{NAME}.env").open("a", encoding="utf-8") as file:
        file.write("MODEL_REPLICAS=4\n")
    assert site.deliver("bbbb", 5) == 0
    assert site.last.inputs is not None and site.last.inputs.variables["MODEL_REPLICAS"] == "4"


def test_a_release_that_is_red_in_staging_is_withdrawn(
    site: Site, swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
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
    site: Site, swarm: SwarmInAFile, tmp_path: Path
):
    assert site.stage("bbbb", 5) == 0 and site.confirm() == 0
    swarm.change("answers", bbbb=WRONG)
    assert site.confirm() == 1
    assert site.last.outcome == "red" and "golden row 0" in site.last.reason
    outcome = json.loads((tmp_path / "build/release/staging.json").read_bytes())
    assert (outcome["code"], outcome["red"]) == (1, True)
    assert site.deliver("bbbb", 5) == 1 and site.serving == "aaaa"


def test_what_was_red_and_is_confirmed_after_all_comes_in(site: Site, swarm: SwarmInAFile):
    assert site.stage("bbbb", 5) == 0
    swarm.change("answers", bbbb=WRONG)
    assert site.confirm() == 1
    swarm.change("answers", bbbb=ROW["predictions"])
    assert site.confirm() == 0
    assert site.deliver("bbbb", 5) == 0 and site.serving == "bbbb"


def test_what_staging_says_takes_no_person_s_rejection_back(
    site: Site, swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    facts = {"kind": records.REJECTION, "outcome": records.REJECTED, "why": "too sweet"}
    rejected = past(2, "bbbb", 5, **facts)._replace(inputs=None)
    swarm.remember(rejected)
    assert site.stage("bbbb", 5) == 0 and site.confirm() == 0
    assert site.deliver("bbbb", 5) == 1
    assert "ann rejected it" in capsys.readouterr().err


def test_who_ends_a_deploy_to_staging_withdraws_nothing(site: Site, swarm: SwarmInAFile):
    assert site.stage("aaaa", 1) == 0
    swarm.fault("stack deploy", signal=signal.SIGTERM)
    assert site.stage("bbbb", 5) == 2
    assert site.last.release == "aaaa" and site.serving == "aaaa"


def test_a_deploy_that_staging_refused_withdraws_nothing(
    site: Site, settings: Path, capsys: pytest.CaptureFixture[str]
):
    before = site.last
    (settings / f"{TRIAL}.env").write_text("EDGE_TLS=off\n", encoding="utf-8")
    assert site.stage("bbbb", 5) == 1
    assert "stack shop has port 443 of this Swarm: EDGE_PORT" in capsys.readouterr().err
    assert site.last == before


def test_without_a_load_nothing_is_confirmed(site: Site, capsys: pytest.CaptureFixture[str]):
    assert site.stage("bbbb", 5) == 0 and site.confirm("--load", "0") == 0
    assert "without a load nothing is confirmed for shop" in capsys.readouterr().err
    assert site.last.release == "aaaa"


def test_nothing_is_judged_while_another_works_on_staging(
    site: Site,
    swarm: SwarmInAFile,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    assert site.stage("bbbb", 5) == 0
    facts = {"by": "bob", "intended": "cccc", "since": "now", "until": time.time() + 60}
    labels = {"swarmline.stack": TRIAL, "swarmline.name": "deploying"}
    lock = {"labels": labels, "content": json.dumps(facts)}
    swarm.change("config", **{f"{TRIAL}_deploying": lock})
    monkeypatch.setattr(confirm, "PATIENCE", 0.0)
    assert site.confirm() == 1
    assert "is locked: bob has been at cccc" in capsys.readouterr().err
    assert site.last.release == "aaaa"
    assert site.confirm("--break-lock") == 0 and site.last.outcome == "confirmed"


@pytest.mark.parametrize("load", ["-1", "601", "nan"])
def test_a_load_without_bounds_is_refused(
    site: Site, load: str, capsys: pytest.CaptureFixture[str]
):
    assert site.confirm(f"--load={load}") == 1
    assert "allowed are 0 to 600 seconds" in capsys.readouterr().err


def test_a_plan_says_deploy_of_what_is_still_to_be_confirmed(
    site: Site, capsys: pytest.CaptureFixture[str]
):
    assert site.plan("bbbb", 5) == 0
    printed = capsys.readouterr()
    assert printed.out == "deploy\n" and "bbbb has not been confirmed" in printed.err


def test_a_rollback_asks_staging_nothing(site: Site, swarm: SwarmInAFile):
    assert site.deliver("bbbb", 5, "--unconfirmed", "--why", "w") == 0
    assert rollback.main(["--to", "aaaa", "--why", "too sweet"]) == 0
    assert site.serving == "aaaa"
    assert not records.history(TRIAL)


def test_a_rollback_of_staging_withdraws_nothing_from_production(site: Site):
    assert site.stage("aaaa", 1) == 0 and site.stage("bbbb", 5) == 0 and site.confirm() == 0
    assert site.in_trial(rollback.main, "--why", "to look at the former") == 0
    assert site.deliver("bbbb", 5) == 0


def test_status_tells_of_both_stacks(site: Site, capsys: pytest.CaptureFixture[str]):
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


def test_staging_in_another_swarm_keeps_its_word_in_the_swarm_of_production(
    site: Site,
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


def test_a_site_with_one_stack_sees_nothing_of_it(
    site: Site, swarm: SwarmInAFile, settings: Path, capsys: pytest.CaptureFixture[str]
):
    (settings / f"{NAME}.env").write_text("EDGE_TLS=off\n", encoding="utf-8")
    assert staging.main([]) == 0 and capsys.readouterr().out == ""
    assert site.deliver("bbbb", 5) == 0
    assert confirm.main(["--deadline", "2"]) == 0
    assert "staging" not in capsys.readouterr().err
    assert [record.kind for record in swarm.history] == ["deploy", "deploy"]
