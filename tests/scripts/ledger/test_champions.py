"""After a rollback MLflow's champion is what serves: in a real MLflow, with the reason in its history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from scripts.ledger import champions, records, releases, tracking
from scripts.ledger.records import Record
from tests.support.scripts.views import record
from training.registry import promotion

pytestmark = pytest.mark.slow
MODEL = "late-orders"


def release(number: int, name: str, version: str, **facts: object) -> Record:
    models = {MODEL: {"champion": {"version": version, "run_id": f"run{version}"}}}
    return record(number, name, document={"models": models}, **facts)


BACK = release(3, "aaaa", "1", kind="rollback", replaced="bbbb", by="ann", why="too sweet")
HISTORY = [BACK, release(2, "bbbb", "2"), release(1, "aaaa", "1")]


@pytest.fixture(name="place", scope="module")
def _place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(name="client")
def _client(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """With versions 1 to 3, of which 2 is champion."""
    monkeypatch.setenv("SWARMLINE_BUILD", str(place))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(records, "history", lambda _: HISTORY)
    client, _ = tracking.client()
    client.create_registered_model(MODEL)
    for version in "123":
        client.create_model_version(MODEL, f"somewhere/{version}", run_id=f"run{version}")
    client.set_registered_model_alias(MODEL, "champion", "2")
    yield client
    client.delete_registered_model(MODEL)
    for name in (champions.PROMOTIONS, releases.EXPERIMENT):
        experiment = client.get_experiment_by_name(name)
        for run in client.search_runs([experiment.experiment_id]) if experiment else []:
            client.delete_run(run.info.run_id)


def champion(client: MlflowClient) -> str:
    return str(client.get_registered_model(MODEL).aliases["champion"])


def test_a_rollback_moves_the_champion_and_the_history_says_why(client: MlflowClient):
    written = releases.write("shop")
    assert [move["version"] for move in written["champions"]] == ["1"] == [champion(client)]
    (moved,) = promotion.history(client, MODEL)
    assert (moved.version, moved.replaced, moved.by) == ("1", "2", "ann")
    assert moved.why == "rollback to release aaaa: too sweet"
    assert moved.at


def test_a_rollback_of_a_challenger_s_callers_alone_moves_a_champion_that_was_promoted_meanwhile(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    """Between a promotion's change of traffic and its release both are the same release."""
    served = release(1, "aaaa", "1")
    all_callers = release(2, "aaaa", "1", kind="traffic")
    back = release(3, "aaaa", "1", kind="rollback", replaced="aaaa", by="ann")
    monkeypatch.setattr(records, "history", lambda _: [back, all_callers, served])
    releases.write("shop")
    assert champion(client) == "1"


def test_a_rollback_of_a_staging_stack_is_in_the_ledger_and_moves_no_champion(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "live.env").write_text("STAGING=shop\n", encoding="utf-8")
    monkeypatch.setenv("SWARMLINE_SETTINGS", str(tmp_path))
    assert releases.write("shop") == {"written": [1, 2, 3], "champions": []}
    assert champion(client) == "2"


def test_it_is_moved_once_so_what_people_promote_afterwards_stays(client: MlflowClient):
    releases.write("shop")
    client.set_registered_model_alias(MODEL, "champion", "3")
    assert releases.write("shop") == {"written": [], "champions": []}
    assert champion(client) == "3"


def test_what_was_promoted_before_mlflow_heard_of_the_rollback_stays(
    client: MlflowClient, capsys: pytest.CaptureFixture[str]
):
    moved = champions.Move("2026-01-01T00:01:00+00:00", MODEL, "3", "2", "bea", "better")
    experiment = tracking.experiment(client, champions.PROMOTIONS)
    client.create_run(experiment, tags=moved._asdict())
    assert releases.write("shop")["champions"] == []
    assert "champion stays 2; bea made it that after the rollback" in capsys.readouterr().err


def test_another_mlflow_s_version_of_the_same_number_is_left_alone(
    client: MlflowClient, capsys: pytest.CaptureFixture[str]
):
    document = {"models": {MODEL: {"champion": {"version": "1", "run_id": "of another"}}}}
    assert champions.move_back(client, BACK._replace(document=document), None) == []
    assert "champion stays 2; this MLflow has no such 1" in capsys.readouterr().err


def test_a_version_that_was_left_before_it_became_champion_is_no_challenger_any_more(
    client: MlflowClient,
):
    client.set_registered_model_alias(MODEL, "champion", "1")
    client.set_registered_model_alias(MODEL, "challenger", "2")
    assert releases.write("shop")["champions"] == []
    assert client.get_registered_model(MODEL).aliases.keys() == {"champion"}


def test_a_model_that_mlflow_does_not_know_is_passed_over(client: MlflowClient):
    document = {"models": {"other": {"champion": {"version": "1", "run_id": "r"}}}}
    assert champions.move_back(client, BACK._replace(document=document), None) == []


def test_only_the_release_that_serves_counts():
    assert champions.gone_back(HISTORY) is BACK
    assert champions.gone_back([release(4, "aaaa", "1", kind="traffic"), *HISTORY]) is BACK
    assert champions.gone_back([release(4, "cccc", "3"), *HISTORY]) is None
    assert champions.gone_back(HISTORY[1:]) is None


def test_an_mlflow_that_is_down_is_told_later_and_that_is_said(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    releases.write_after("shop", champions_move=True)
    assert (
        "champions have not gone back either; `make ledger` moves them" in capsys.readouterr().err
    )
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    releases.write("shop")
    assert champion(client) == "1"
