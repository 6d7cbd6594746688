from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from monitoring.references import NoReference, References, TrackingServer
from monitoring.references import references as module
from monitoring.references import tracking_server as server_module
from service.bundle.manifest import Manifest
from service.bundle.monitor_rules import MonitorRules
from tests.support.monitoring.bundles import write_monitored
from tests.support.service.bundles import YIELD, write_bundle
from tests.support.training import tracking_server

MODEL = YIELD.model
NOWHERE = TrackingServer("")


class Registered(NamedTuple):
    """A version in MLflow, as training and `make export` leave it there."""

    uri: str
    version: str
    run_id: str


@pytest.fixture(scope="module")
def registered() -> Iterator[Registered]:
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory(prefix="mlflow-") as name:
        folder = Path(name)
        with tracking_server(folder) as (uri, _):
            client = MlflowClient(uri, uri)
            run = client.create_run(client.create_experiment(MODEL)).info.run_id
            bundle = write_monitored(folder / "set", YIELD, run_id=run)
            rules = bundle / "monitor.json"
            shutil.move(rules, folder / "monitor.json")
            client.log_artifacts(run, str(bundle), "bundle")
            client.log_artifact(run, str(folder / "monitor.json"), "monitor")
            client.create_registered_model(MODEL)
            source = f"{client.get_run(run).info.artifact_uri}/bundle"
            complete_version = client.create_model_version(MODEL, source, run)
            client.set_model_version_tag(
                MODEL, complete_version.version, "swarmline.complete", "true"
            )
            unfinished = client.create_model_version(MODEL, source, run)
            assert str(unfinished.version) == "2"
            yield Registered(uri, str(complete_version.version), run)


def test_a_version_of_the_exported_set_comes_from_there_and_is_kept(tmp_path: Path):
    write_monitored(tmp_path / "set", YIELD, rules=MonitorRules(floor=0.3))
    references = References(tmp_path / "set", tmp_path / "state", NOWHERE)
    version = references.of(MODEL, "1")
    assert version.reference is not None and version.rules.floor == 0.3
    assert version.contract == YIELD
    shutil.rmtree(tmp_path / "set")
    later = References(tmp_path / "set", tmp_path / "state", NOWHERE)
    assert later.of(MODEL, "1").reference == version.reference
    assert not list((tmp_path / "state").rglob("model.onnx"))


def test_a_folder_that_takes_no_copy_keeps_no_exported_bundle_from_being_used(tmp_path: Path):
    write_monitored(tmp_path / "set", YIELD)
    # As on a full disk: no folder can be made where a file lies.
    (tmp_path / "state").write_text("")
    references = References(tmp_path / "set", tmp_path / "state", NOWHERE)
    assert references.of(MODEL, "1").reference is not None


def test_rules_exported_anew_are_taken_at_once(tmp_path: Path):
    folder = write_monitored(tmp_path / "set", YIELD)
    references = References(tmp_path / "set", tmp_path / "state", NOWHERE)
    references.of(MODEL, "1")
    (folder / "monitor.json").write_bytes(msgspec.json.encode(MonitorRules(floor=0.7)))
    assert references.of(MODEL, "1").rules.floor == 0.7
    shutil.rmtree(tmp_path / "set")
    assert references.of(MODEL, "1").rules.floor == 0.7


def test_a_bundle_of_before_has_a_contract_and_says_that_it_has_no_reference(tmp_path: Path):
    write_bundle(tmp_path / "set", YIELD, linear=True)
    version = References(tmp_path / "set", tmp_path / "state", NOWHERE).of(MODEL, "1")
    assert version.reference is None and version.contract == YIELD
    assert version.reason.startswith("no reference")


def test_rules_that_cannot_be_followed_are_said(tmp_path: Path):
    write_monitored(tmp_path / "set", YIELD, rules=MonitorRules(window="soon"))
    with pytest.raises(NoReference, match="monitor.json: soon"):
        References(tmp_path / "set", tmp_path / "state", NOWHERE).of(MODEL, "1")


def test_a_damaged_bundle_is_a_fault_and_heals(tmp_path: Path):
    folder = write_monitored(tmp_path / "set", YIELD)
    sound = (folder / "reference.json").read_bytes()
    (folder / "reference.json").write_bytes(sound[:-1] + b" ")
    references = References(tmp_path / "set", tmp_path / "state", NOWHERE)
    with pytest.raises(NoReference, match="not the file that was exported") as raised:
        references.of(MODEL, "1")
    assert raised.value.fault
    (folder / "reference.json").write_bytes(sound)
    assert references.of(MODEL, "1").reference is not None


@pytest.mark.parametrize(("model", "version"), [("../../etc", "1"), (MODEL, ".."), ("", "1")])
def test_a_name_that_no_bundle_can_have_is_no_path(tmp_path: Path, model: str, version: str):
    with pytest.raises(NoReference, match="no name"):
        References(tmp_path, tmp_path / "state", NOWHERE).of(model, version)


def test_without_mlflow_and_set_it_says_what_is_lacking(tmp_path: Path):
    with pytest.raises(NoReference, match="MLFLOW_TRACKING_URI"):
        References(tmp_path / "none", tmp_path / "state", NOWHERE).of(MODEL, "1")


@pytest.mark.slow
def test_without_an_exported_set_a_version_comes_from_mlflow_and_stays(
    registered: Registered, tmp_path: Path
):
    server = TrackingServer(registered.uri)
    references = References(tmp_path / "none", tmp_path / "state", server)
    version = references.of(MODEL, registered.version)
    assert version.reference is not None and version.manifest.run_id == registered.run_id
    assert version.rules == MonitorRules()
    away = References(tmp_path / "none", tmp_path / "state", TrackingServer("http://127.0.0.1:9"))
    assert away.of(MODEL, registered.version).reference == version.reference


@pytest.mark.slow
def test_what_mlflow_has_not_or_not_wholly_is_no_fault(registered: Registered, tmp_path: Path):
    references = References(tmp_path / "none", tmp_path / "state", TrackingServer(registered.uri))
    for version, why in (("9", "neither the exported set nor MLflow"), ("2", "was ended")):
        with pytest.raises(NoReference, match=why) as raised:
            references.of(MODEL, version)
        assert not raised.value.fault


@pytest.mark.slow
def test_rules_in_mlflow_are_asked_for_again_and_a_copy_that_was_damaged_comes_anew(
    registered: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from mlflow import MlflowClient

    references = References(tmp_path / "none", tmp_path / "state", TrackingServer(registered.uri))
    kept_folder = references.of(MODEL, registered.version).folder
    (tmp_path / "monitor.json").write_bytes(msgspec.json.encode(MonitorRules(q=0.01)))
    client = MlflowClient(registered.uri, registered.uri)
    client.log_artifact(registered.run_id, str(tmp_path / "monitor.json"), "monitor")
    assert references.of(MODEL, registered.version).rules.q == MonitorRules().q
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    assert references.of(MODEL, registered.version).rules.q == 0.01
    (kept_folder / "reference.json").write_bytes(b"half of it")
    again = References(tmp_path / "none", tmp_path / "state", TrackingServer(registered.uri))
    assert again.of(MODEL, registered.version).reference is not None
    manifest = msgspec.json.decode((kept_folder / "manifest.json").read_bytes(), type=Manifest)
    assert manifest.run_id == registered.run_id


@pytest.mark.slow
def test_an_mlflow_that_is_away_is_a_fault_said_within_seconds_and_asked_again_later(
    tmp_path: Path, registered: Registered, monkeypatch: pytest.MonkeyPatch
):
    server = TrackingServer("http://127.0.0.1:9")
    references = References(tmp_path / "none", tmp_path / "state", server)
    with pytest.raises(NoReference, match="does not answer") as raised:
        references.of(MODEL, registered.version)
    assert raised.value.fault
    server._uri = registered.uri
    with pytest.raises(NoReference):
        references.of(MODEL, registered.version)
    monkeypatch.setattr(server_module, "PAUSE_SECONDS", 0.0)
    assert references.of(MODEL, registered.version).reference is not None


def test_what_nobody_asks_for_any_more_is_forgotten(tmp_path: Path):
    for version in ("1", "2"):
        write_monitored(tmp_path / "set", YIELD, version)
    references = References(tmp_path / "set", tmp_path / "state", NOWHERE)
    assert all(references.of(MODEL, version) for version in ("1", "2"))
    assert references.forget({(MODEL, "2")}) == [f"{MODEL} 1"]
    assert [path.name for path in (tmp_path / "state/references" / MODEL).iterdir()] == ["2"]
