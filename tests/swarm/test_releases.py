"""Releases come, go and come back, each told apart, traced and recorded; with MLflow down as well."""

from __future__ import annotations

import signal

import pytest
import requests
from mlflow import MlflowClient

from scripts.edge.client import EdgeClient
from tests.support.service import bundles
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.events import nobody_noticed, note
from tests.support.swarm_stack.releases import MODEL, OTHER, Release, Workshop
from tests.support.swarm_stack.stack import Stack

pytestmark = pytest.mark.slow
DOWN = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
ROWS = [{"light": 20.0, "temperature": 21.5, "trays": 4}]


@pytest.fixture(name="third", scope="module")
def _third(workshop: Workshop) -> Release:
    return workshop.release("third", "3")


def asked(stack: Stack, model: str, rows: list[dict[str, object]]) -> requests.Response:
    reach = client_of(stack, stack.key)
    with reach.session() as session:
        path = f"{reach.url}/v1/models/{model}/predict"
        return session.post(path, json={"rows": rows}, timeout=10)


def asked_page(stack: Stack, path: str, key: str) -> requests.Response:
    reach = client_of(stack, key)
    with reach.session() as session:
        return session.get(f"{reach.url}{path}", timeout=10)


def client_of(stack: Stack, key: str) -> EdgeClient:
    trust = str(stack.folder / "secrets/edge.crt")
    address = f"https://{stack.addresses()[0]}:{stack.environ['EDGE_PORT']}"
    return EdgeClient(address, key, "", trust, "edge.test")


def task_ids(stack: Stack) -> set[str]:
    return {task["ID"] for task in stack.tasks("model")}


@pytest.fixture(name="serving")
def _serving(stack: Stack, first: Release, second: Release, third: Release) -> Release:
    """What the test before has left: another rollout would show nothing."""
    name = stack.run("releases", "--json").good().document["serves"]
    return next(each for each in (first, second, third) if each.name == name)


@pytest.fixture(name="other")
def _other(serving: Release, first: Release, second: Release) -> Release:
    """One that does not serve."""
    return second if serving is first else first


def test_the_same_release_with_the_same_settings_is_left_alone(calm: Stack, first: Release):
    there = task_ids(calm)
    done = calm.deploy(first)
    assert (done.code, done.document["outcome"]) == (0, "unchanged")
    assert task_ids(calm) == there
    assert calm.run("plan", "--force", "--image", first.image).document == {}


def test_two_releases_back_by_digest_with_mlflow_down(
    calm: Stack, first: Release, second: Release, third: Release
):
    for release in (second, third):
        done = calm.deploy(release, "--watch", "0", **DOWN).good()
        assert "the ledger is not written: no MLflow answers" in done.words
    client = MlflowClient(calm.environ["MLFLOW_TRACKING_URI"])
    registered(client, first, second, third)
    digest = first.image.split("@")[1]
    with calm.called() as callers:
        back = calm.run("rollback", "--json", "--to", digest, "--why", "too sweet", **DOWN).good()
    note("rollback over two releases, MLflow down", callers.seen, back, replicas=3)
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert asked(calm, MODEL, ROWS).headers["X-Release"] == first.name
    listed = calm.run("releases", "--json").document
    assert listed["serves"] == first.name
    assert {second.name, third.name} <= set(listed["releases"])

    # What a person took away, no delivery brings back by itself.
    planned = calm.run("plan", "--image", third.image)
    assert (planned.code, "too sweet" in planned.words) == (0, True), planned.words
    refused = calm.run("deploy", "--json", "--image", third.image)
    assert (refused.code, refused.document["serves"]) == (1, first.name)
    assert f"went back from it to {first.name}" in refused.document["reason"]

    caught_up = calm.run("ledger", "--json").good()
    assert len(caught_up.document["written"]) == 3
    assert str(client.get_model_version_by_alias(MODEL, "champion").version) == "1"
    experiment = client.get_experiment_by_name("releases")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == len(listed["records"])
    newest = max(runs, key=lambda run: run.info.start_time).data.tags
    assert (newest["swarmline.kind"], newest["swarmline.why"]) == ("rollback", "too sweet")
    assert calm.run("ledger", "--json").document["written"] == []


def registered(client: MlflowClient, *releases: Release) -> None:
    """Their versions in MLflow, the last one champion."""
    client.create_registered_model(MODEL)
    for release in releases:
        about = release.document["models"][MODEL]["champion"]
        client.create_model_version(MODEL, f"somewhere/{about['version']}", about["run_id"])
    client.set_registered_model_alias(MODEL, "champion", str(len(releases)))


@pytest.mark.thorough
def test_of_two_deploys_at_once_one_is_refused_and_says_who_is_at_it(
    calm: Stack, second: Release, third: Release
):
    options = ("--json", "--watch", "0", "--force", "--image", second.image, "--by", "ann")
    with calm.called() as callers, calm.begin("deploy", *options) as running:
        wait_until(lambda: locked(calm), "the first one holds the lock")
        other = calm.deploy(third)
        running.outcome().good()
    assert other.code == 1 and "is locked: ann has been at" in other.words
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert asked(calm, MODEL, ROWS).headers["X-Release"] == second.name


def locked(stack: Stack) -> bool:
    wanted = ("--filter", f"name={stack.name}_deploying", "--quiet")
    return bool(stack.swarm.docker("config", "ls", *wanted).strip())


def coming_in(stack: Stack, release: Release) -> bool:
    """At least one replica of it runs."""
    images = [task["Spec"]["ContainerSpec"]["Image"] for task in stack.tasks("model")]
    return release.image in images


@pytest.mark.thorough
def test_a_deploy_that_is_interrupted_goes_back(stack: Stack, serving: Release, other: Release):
    with stack.begin("deploy", "--json", "--force", "--image", other.image) as running:
        wait_until(lambda: coming_in(stack, other), "the new release comes in", 120)
        running.send_signal(signal.SIGTERM)
        done = running.outcome()
    assert done.code == 2, done.words
    assert f"interrupted by SIGTERM; release {serving.name} serves" in done.document["reason"]
    assert asked(stack, MODEL, ROWS).headers["X-Release"] == serving.name
    assert not locked(stack)


def test_a_deploy_that_was_killed_is_finished_by_the_next_one(stack: Stack, other: Release):
    with stack.begin("deploy", "--json", "--force", "--image", other.image) as running:
        wait_until(lambda: coming_in(stack, other), "the new release comes in", 120)
        running.kill()
        running.outcome()
    done = stack.deploy(other, "--watch", "0").good()
    assert "was cut off; going on from there" in done.words
    assert asked(stack, MODEL, ROWS).headers["X-Release"] == other.name


def test_a_prediction_leads_to_run_data_and_commit(stack: Stack, serving: Release):
    identity = asked(stack, MODEL, ROWS).headers["X-Request-Id"]
    about = serving.document["models"][MODEL]["champion"]
    wait_until(lambda: stack.run("trace", identity).code == 0, "the journal has it", 60, 1)
    (prediction,) = stack.run("trace", identity, "--json", **DOWN).document["predictions"]
    assert (prediction["release"], prediction["version"]) == (serving.name, about["version"])
    assert prediction["run_id"] == about["run_id"]
    assert prediction["data_fingerprint"] == about["data_fingerprint"]
    assert prediction["service_commit"] == serving.document["commit"]
    unknown = stack.run("trace", "no-such-request")
    assert unknown.code == 1 and "has no prediction no-such-request" in unknown.words


def share_out(stack: Stack) -> list[dict[str, object]]:
    """Gives the challenger all callers; rows to ask it with."""
    options = ("--mode", "split", "--share", "100", "--watch", "0", "--json")
    stack.run("traffic", OTHER, *options).good()
    return bundles.rows_for(bundles.QUALITY, 1)


def test_a_challenger_gets_its_share_until_it_is_taken_back(stack: Stack):
    rows = share_out(stack)
    assert asked(stack, OTHER, rows).headers["X-Arm"] == "challenger"
    assert stack.run("status", "--json").document["traffic"][OTHER]["share"] == 1.0
    stack.run("traffic", OTHER, "--mode", "off", "--watch", "0").good()
    assert asked(stack, OTHER, rows).headers["X-Arm"] == "champion"
    refused = stack.run("traffic", MODEL, "--mode", "split", "--share", "5")
    assert refused.code == 1 and "has no challenger" in refused.words


@pytest.mark.thorough
def test_a_challenger_keeps_its_share_in_the_next_release(stack: Stack, other: Release):
    rows = share_out(stack)
    stack.deploy(other, "--watch", "0").good()
    assert asked(stack, OTHER, rows).headers["X-Arm"] == "challenger"
    stack.run("traffic", OTHER, "--mode", "off", "--watch", "0").good()


def test_the_status_tells_what_runs_and_what_does_not(stack: Stack, serving: Release):
    well = stack.run("status", "--json").good()
    assert (well.document["release"], well.document["problems"]) == (serving.name, [])
    assert {part["name"] for part in well.document["services"]} == {
        f"{stack.name}_{part}" for part in ("edge", "model", "db")
    }
    replicas = well.document["edge"]["replicas"]
    assert replicas, "the edge's own counters are shown"
    assert all(part["journal"]["lag_seconds"] >= 0 for part in replicas)
    assert "journal 0 s behind" in well.words
    stack.swarm.docker("service", "scale", "--detach", f"{stack.name}_model=0")
    wait_until(lambda: not stack.tasks("model"), "no replica runs")
    ill = stack.run("status", "--json")
    assert ill.code == 1
    sentence = f"{stack.name}_model was scaled to 0 by hand, 3 were deployed; `make deploy` brings them back"
    assert sentence in ill.document["problems"]
    # What was scaled by hand is no more what was deployed.
    assert stack.deploy(serving, "--watch", "0").document["outcome"] == "done"


def test_confirm_proves_what_serves_and_changes_nothing(stack: Stack):
    there = task_ids(stack)
    done = stack.run("confirm", "--json").good()
    assert "smoke test: 3 versions as exported" in done.words
    assert task_ids(stack) == there


def test_pruning_leaves_what_a_rollback_needs(stack: Stack, serving: Release, other: Release):
    stack.deploy(other, "--watch", "0").good()
    pruned = stack.run("prune", "--keep", "2", "--json")
    assert pruned.code == 0 and pruned.document["record"]
    back = stack.run("rollback", "--json", "--watch", "0").good()
    assert back.document["release"] == serving.name


def test_the_records_hold_no_key(stack: Stack):
    ids = stack.swarm.docker("config", "ls", "--quiet").split()
    assert stack.key not in stack.swarm.docker("config", "inspect", "--pretty", *ids)
