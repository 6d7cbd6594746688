"""Monitoring comes in after a release, fails no deploy, and stays as it is when a release of before comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.command import files
from scripts.command.checkout import ROOT
from scripts.credentials import certificates
from scripts.edge import client
from scripts.engine import secrets_and_configs
from scripts.ledger.records import Record
from scripts.monitoring_stack.runbook import with_runbook
from scripts.operate import down, prune, status
from scripts.release import deploy, plan, rollback
from scripts.stack_file import monitoring
from scripts.stack_file.render import StackInputs
from tests.support.scripts.swarm_in_a_file import NAME, ROW, SwarmInAFile, release

MONITOR, OTHER = (f"registry/monitor@sha256:{digit * 64}" for digit in "12")
PARTS = {"monitor", "prometheus", "alertmanager", "grafana", "node-exporter", "engine", "hosts"}
ARMS = {"late": {"champion": {"version": "1"}}}


def document(day: int) -> dict[str, Any]:
    return {"created": f"2026-01-{day:02}T00:00:00+00:00", "models": ARMS}


@pytest.fixture(autouse=True)
def _before(swarm: SwarmInAFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack of before: its release has a record without a monitor, its secrets are of the main stack alone."""
    for name in secrets_and_configs.NEEDED:
        labels = {"swarmline.stack": NAME, "swarmline.name": name}
        swarm.change("secret", **{f"{NAME}_{name}_1": {"labels": labels, "content": ""}})
    files.write(tmp_path / "build/secrets/deployer.key", "a-key\n")
    swarm.remember(release(1, "aaaa", document=document(1)))
    monkeypatch.setenv("MONITOR_IMAGE", MONITOR)


def deployed(swarm: SwarmInAFile, name: str = "bbbb", day: int = 2) -> int:
    reference = release(0, name).image
    contents = {
        "/app/release.json": {"release": name, **document(day)},
        "/app/bundles/late/1/golden.json": ROW,
    }
    config = {"Config": {"Labels": {"swarmline.release": name}, "Env": []}}
    swarm.change("image", **{reference: {"config": config, "files": contents}})
    return deploy.main(["--image", reference, "--watch", "0"])


#: What a deploy with monitoring leaves of a Swarm: many calls of docker, so that one test makes it for all.
LEFT: dict[str, Any] = {}


@pytest.fixture(name="watched")
def _watched(swarm: SwarmInAFile) -> SwarmInAFile:
    """A release that serves, with monitoring beside it."""
    if not LEFT:
        assert deployed(swarm) == 0 and outcome()["state"] == "running"
        LEFT.update(swarm.read())
    swarm.write(LEFT)
    return swarm


def outcome() -> dict[str, Any]:
    return dict(files.read_json(files.deploy_outcome())["monitoring"])


def parts(swarm: SwarmInAFile) -> dict[str, Any]:
    stack = f"{NAME}-monitoring_"
    services = swarm.read()["service"].items()
    return {name.removeprefix(stack): each for name, each in services if name.startswith(stack)}


def newest(swarm: SwarmInAFile) -> Record:
    return swarm.history[0]


def test_a_deploy_makes_what_an_existing_stack_lacks_and_brings_monitoring_in(
    swarm: SwarmInAFile,
):
    assert deployed(swarm) == 0
    assert outcome()["state"] == "running" and outcome()["problems"] == []
    assert parts(swarm).keys() == PARTS
    assert {parts(swarm)[name]["image"] for name in ("monitor", "hosts")} == {MONITOR}
    record = newest(swarm)
    assert record.inputs is not None and record.inputs.monitor_image == MONITOR
    (job,) = [call for call in swarm.calls("service", "create") if "monitor-role" in str(call)]
    assert any("target=monitor_url" in word for word in job["words"])
    assert "CREATE ROLE monitor NOLOGIN" in job["words"][-1]
    secret_names = {each["labels"]["swarmline.name"] for each in swarm.read()["secret"].values()}
    assert set(secrets_and_configs.MONITORING) <= secret_names
    assert (files.secrets() / "grafana.password").stat().st_mode & 0o777 == 0o600


def test_a_service_of_monitoring_that_fails_takes_no_release_back(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    swarm.change("bad", **{MONITOR: {"state": "failed", "error": "task: non-zero exit (1)"}})
    assert deployed(swarm) == 0
    assert newest(swarm).verified and newest(swarm).release == "bbbb"
    assert outcome()["state"] == "failing"
    assert any("non-zero exit (1)" in sentence for sentence in outcome()["problems"])
    assert "! monitoring: " in capsys.readouterr().err


def test_a_file_that_cannot_be_written_for_monitoring_fails_no_deploy(swarm: SwarmInAFile):
    (files.secrets() / "grafana.password").mkdir(parents=True)
    assert deployed(swarm) == 0
    assert newest(swarm).verified and newest(swarm).release == "bbbb"
    (sentence,) = outcome()["problems"]
    assert sentence.startswith("monitoring is as it was: ") and "grafana.password" in sentence


def test_a_database_that_does_not_answer_leaves_the_rest_of_monitoring_in(swarm: SwarmInAFile):
    swarm.fault("service create", words="Error: no suitable node")
    assert deployed(swarm) == 0
    assert parts(swarm).keys() == PARTS
    (sentence,) = outcome()["problems"]
    assert "the monitor's role in the database was not made" in sentence
    assert deployed(swarm) == 0, "the role is still to be made, though nothing else has changed"
    assert outcome()["state"] == "running" and outcome()["problems"] == []
    assert roles_made(swarm) == 2


def test_without_an_image_of_the_monitor_that_is_said_and_nothing_else_happens(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MONITOR_IMAGE")
    assert deployed(swarm) == 0
    assert not parts(swarm) and newest(swarm).release == "bbbb"
    assert "no image of the monitor is known" in outcome()["problems"][0]


def test_the_image_that_was_published_with_a_release_comes_in_with_it(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MONITOR_IMAGE")
    published = {"image": release(0, "bbbb").image, "monitor": OTHER}
    files.write_json(files.release("image.json"), published)
    assert deployed(swarm) == 0 and parts(swarm)["monitor"]["image"] == OTHER
    # Another one, of which nothing is known here: the monitor stays as it was recorded last.
    assert deployed(swarm, "cccc", 3) == 0 and outcome()["state"] == "unchanged"
    record = newest(swarm)
    assert record.inputs is not None and record.inputs.monitor_image == OTHER


def test_an_image_without_a_digest_is_refused(swarm: SwarmInAFile, monkeypatch, capsys):
    monkeypatch.setenv("MONITOR_IMAGE", "registry/monitor:latest")
    assert deployed(swarm) == 1
    assert "names no digest" in capsys.readouterr().err and not swarm.deploys


def test_a_rollback_to_a_release_of_before_leaves_monitoring_as_it_is(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PROMETHEUS_RETENTION", "7d")
    assert deployed(swarm) == 0
    there = parts(swarm)
    monkeypatch.delenv("MONITOR_IMAGE")
    monkeypatch.delenv("PROMETHEUS_RETENTION")
    assert rollback.main(["--why", "too sweet"]) == 0
    assert newest(swarm).release == "aaaa" and parts(swarm) == there
    # What it was set to is known to the next deploy, although the record that serves says nothing of it.
    assert deployed(swarm, "cccc", 3) == 0 and outcome()["state"] == "unchanged"
    inputs = newest(swarm).inputs
    assert inputs is not None and inputs.variables["PROMETHEUS_RETENTION"] == "7d"


def test_off_takes_away_what_runs_and_keeps_what_it_stored(
    watched: SwarmInAFile, monkeypatch: pytest.MonkeyPatch, capsys
):
    swarm = watched
    monkeypatch.setenv("MONITORING", "off")
    assert deployed(swarm, "cccc", 3) == 0
    assert not parts(swarm) and outcome() == {"state": "off", "problems": [], "removed": True}
    assert "its volumes and secrets stay" in capsys.readouterr().err
    monkeypatch.delenv("MONITORING")
    # It was said once.
    assert deployed(swarm, "dddd", 4) == 0 and not parts(swarm)


def planned(swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert plan.main(["--image", newest(swarm).image, "--watch", "0"]) == 0
    return capsys.readouterr().out.strip()


def test_a_new_image_of_the_monitor_alone_is_planned_recorded_and_restarts_no_replica(
    watched: SwarmInAFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert planned(watched, capsys) == "nothing"
    monkeypatch.setenv("MONITOR_IMAGE", OTHER)
    assert planned(watched, capsys) == "deploy"
    assert deployed(watched) == 0
    inputs = newest(watched).inputs
    assert inputs is not None and inputs.monitor_image == OTHER
    assert parts(watched)["monitor"]["image"] == OTHER
    state = watched.read()
    state["service"] = {
        name: each for name, each in state["service"].items() if "-monitoring_" not in name
    }
    watched.write(state)
    assert planned(watched, capsys) == "deploy", "monitoring is not there"


def roles_made(swarm: SwarmInAFile) -> int:
    return sum("monitor-role" in str(call) for call in swarm.calls("service", "create"))


def test_a_change_of_the_monitors_role_alone_makes_it_again(
    watched: SwarmInAFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    before = roles_made(watched)
    assert planned(watched, capsys) == "nothing"
    role = tmp_path / "monitor.sql"
    role.write_text((ROOT / monitoring.ROLE).read_text(encoding="utf-8") + "-- A new right.\n")
    # An absolute path, which the checkout's does not go before.
    monkeypatch.setattr(monitoring, "ROLE", role)
    assert planned(watched, capsys) == "deploy"
    assert deployed(watched) == 0 and outcome()["state"] == "running"
    assert roles_made(watched) == before + 1
    assert planned(watched, capsys) == "nothing"


def test_alerts_lead_to_the_runbook_behind_the_edge_where_no_other_is_named(
    swarm: SwarmInAFile, tmp_path: Path
):
    def link(**variables: str) -> str | None:
        inputs = StackInputs({}, variables, {})
        return with_runbook(NAME, inputs).variables.get("RUNBOOK_OF_EDGE")

    client.trusted.cache_clear()
    assert link() is None, "no certificate, so no name"
    assert link(GRAFANA_URL="https://farm.test:8443/grafana/") == (
        "https://farm.test:8443/monitor/runbook"
    )
    files.write(tmp_path / "build/secrets/edge.crt", certificates.self_signed("edge.test"))
    client.trusted.cache_clear()
    assert link() == "https://edge.test/monitor/runbook"
    assert link(EDGE_PORT="8443") == "https://edge.test:8443/monitor/runbook"
    assert link(RUNBOOK_URL="https://wiki.test/r", RUNBOOK_OF_EDGE="https://old.test") is None
    assert link(EDGE_TLS="off") is None
    client.trusted.cache_clear()


def test_the_status_says_how_monitoring_does_and_is_well_without_it(watched: SwarmInAFile):
    facts = status.gather(NAME)["monitoring"]
    assert facts["services"].keys() == {f"{NAME}-monitoring_{name}" for name in PARTS}
    assert facts["image"] == MONITOR and facts["problems"] == []
    watched.change("bad", **{MONITOR: {"state": "pending", "error": "no suitable node"}})
    whole = status.gather(NAME)
    assert any("monitoring: " in sentence for sentence in whole["warnings"])
    assert not any("monitoring" in sentence for sentence in whole["problems"])


def test_pruning_leaves_the_configs_that_monitoring_uses_and_down_ends_it_first(
    watched: SwarmInAFile,
):
    used = {name for name in watched.read()["config"] if "_monitoring-" in name}
    labels = {"swarmline.stack": NAME, "swarmline.name": "monitoring-rules"}
    old = f"{NAME}_monitoring-rules_0000000000"
    watched.change("config", **{old: {"labels": labels, "content": "groups: []"}})
    assert prune.main(["--patience", "0"]) == 0
    left = watched.read()["config"].keys()
    assert old not in left and used <= left
    assert down.main(["--yes"]) == 0
    names = [call["words"][-1] for call in watched.calls("stack", "rm")]
    assert names == [f"{NAME}-monitoring", NAME] and not watched.read()["service"]
