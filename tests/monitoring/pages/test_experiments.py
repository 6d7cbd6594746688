"""Experiments as programs read them."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient

from monitoring.experiment.values import Experiment
from monitoring.findings import Store
from monitoring.pages import authenticator_of
from tests.support.monitoring import record
from tests.support.monitoring import site as support
from tests.support.monitoring.verdicts import experiment_of, keep_experiment

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


@pytest.fixture
def client(store: Store, tmp_path: Path) -> FlaskClient:
    """`boss` may see all models, `narrow` one of them, `caller` no page."""
    store.save(record(model="grade"), [])
    store.save(record(model="plain"), [])
    keep_experiment(store, experiment_of("grade", NOW, verdict="worse", stop=True))
    keep_experiment(store, experiment_of("secret", NOW))
    keys = {"boss": "admin", "caller": "predict", "narrow": "admin"}
    lines = "\n".join(
        f"{name}:{scopes}:{hashlib.sha256(name.encode()).hexdigest()}{':grade' if name == 'narrow' else ''}"
        for name, scopes in keys.items()
    )
    app = support.application(
        support.sources(tmp_path, store),
        authenticator=authenticator_of(lines),
        loopback_only=False,
    )
    return app.test_client()


def test_a_program_reads_what_a_ramp_goes_by(client: FlaskClient):
    answer = client.get("/monitor/v1/experiments/grade", headers=bearer("boss"))
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    experiment = msgspec.json.decode(answer.data, type=Experiment)
    assert (experiment.verdict, experiment.stop, experiment.share) == ("worse", True, 0.25)
    assert experiment.judged_at == NOW and experiment.stages[0].share == 0.25
    assert answer.json and answer.json["quality"]["more_rows"] == 41_300
    every = client.get("/monitor/v1/experiments", headers=bearer("boss")).json
    assert every and [each["model"] for each in every] == ["grade", "secret"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("plain", "plain has no experiment"),
        ("none", "nothing was judged of a model 'none'; models: grade, plain"),
    ],
)
def test_what_has_no_experiment_says_why(client: FlaskClient, path: str, words: str):
    answer = client.get(f"/monitor/v1/experiments/{path}", headers=bearer("boss"))
    assert answer.status_code == 404 and answer.content_type == "application/problem+json"
    assert answer.json and words in answer.json["detail"]


def test_a_key_for_one_model_learns_nothing_of_the_others(client: FlaskClient):
    every = client.get("/monitor/v1/experiments", headers=bearer("narrow")).json
    assert every and [each["model"] for each in every] == ["grade"]
    hidden = client.get("/monitor/v1/experiments/secret", headers=bearer("narrow"))
    assert hidden.status_code == 404 and hidden.json
    assert hidden.json["detail"] == "nothing was judged of a model 'secret'; models: grade"


@pytest.mark.parametrize(("key", "status"), [("nobody", 401), ("caller", 403)])
def test_without_a_key_of_scope_admin_there_is_a_problem_in_json(
    client: FlaskClient, key: str, status: int
):
    answer = client.get("/monitor/v1/experiments/grade", headers=bearer(key))
    assert answer.status_code == status and answer.json and answer.json["status"] == status
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_a_path_that_is_none_is_a_problem_in_json_too(client: FlaskClient):
    answer = client.get("/monitor/v1/nothing", headers=bearer("boss"))
    assert answer.status_code == 404 and answer.content_type == "application/problem+json"
