"""Two stacks beside each other in one Swarm: a release comes into staging, is confirmed or red, and comes in or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from mlflow import MlflowClient

from scripts.edge.client import EdgeClient
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.commands import Outcome
from tests.support.swarm_stack.events import answering, nobody_noticed, note
from tests.support.swarm_stack.releases import MODEL, Release, Workshop
from tests.support.swarm_stack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
LIVE, TRIAL = "live", "trial"
ROWS = [{"light": 20.0, "temperature": 21.5, "trays": 4}]
#: Small, for two of them stand on one machine. In host mode each has a port of its own.
SETTINGS = "MONITORING=off\nEDGE_REPLICAS=1\nMODEL_REPLICAS={replicas}\n"


@dataclass(frozen=True)
class Site:
    """Production and its staging, of one checkout, whose files of settings say which is which."""

    live: Stack
    trial: Stack

    def deploy(self, stack: Stack, release: Release, *words: str) -> Outcome:
        """As a pipeline does it: nothing is forced."""
        usual = ("--json", "--watch", "4", "--deadline", "200", "--image", release.image)
        return stack.run("deploy", *usual, *words)

    def confirm(self, load: str = "5") -> Outcome:
        return self.trial.run("confirm", "--json", "--load", load, "--by", "test")

    def ask(self, stack: Stack, key: str) -> requests.Response:
        trust = self.live.folder / "secrets" / ("" if stack is self.live else TRIAL) / "edge.crt"
        address = f"https://{stack.addresses()[0]}:{stack.environ['EDGE_PORT']}"
        edge = EdgeClient(address, key, "", str(trust), f"{stack.name}.test")
        with edge.session() as session:
            path = f"{edge.url}/v1/models/{MODEL}/predict"
            return session.post(path, json={"rows": ROWS}, timeout=10)

    @property
    def trial_key(self) -> str:
        return (self.live.folder / f"secrets/{TRIAL}/deployer.key").read_text("ascii").strip()


@pytest.fixture(name="site", scope="module")
def _site(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, settings = (tmp_path_factory.mktemp(name) for name in ("site", "settings"))
    live = f"STAGING={TRIAL}\n{SETTINGS.format(replicas=2)}"
    (settings / f"{LIVE}.env").write_text(live, encoding="utf-8")
    (settings / f"{TRIAL}.env").write_text(SETTINGS.format(replicas=1), encoding="utf-8")
    stacks = [
        Stack(swarm, folder, name, {"EDGE_PORT": str(port), "SWARMLINE_SETTINGS": str(settings)})
        for name, port in ((LIVE, 8470), (TRIAL, 8471))
    ]
    site = Site(*stacks)
    try:
        for stack in stacks:
            stack.run("secrets", "make", "--self-signed", f"{stack.name}.test").good()
        yield site
    finally:
        for stack in stacks:
            stack.remove()


@pytest.fixture(name="delivered", scope="module")
def _delivered(site: Site, first: Release) -> Site:
    """The first release, through staging to callers."""
    refused = site.deploy(site.live, first)
    assert refused.code == 1 and "has not been confirmed" in refused.words
    there = site.deploy(site.trial, first).good()
    confirmed = site.confirm().good()
    here = site.deploy(site.live, first).good()
    note(
        "through staging to production",
        to_staging_s=there.seconds,
        confirmed_s=confirmed.seconds,
        load=confirmed.document["load"],
        to_production_s=here.seconds,
    )
    return site


def image_of(stack: Stack) -> str:
    called = f"{stack.name}_model"
    spec = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    return stack.swarm.docker("service", "inspect", "--format", spec, called).strip()


def test_the_same_digest_serves_in_both_with_the_settings_of_each(delivered: Site, first: Release):
    assert image_of(delivered.live) == image_of(delivered.trial) == first.image
    assert answering(delivered.live) == {first.name}
    counts = [len(stack.tasks("model")) for stack in (delivered.live, delivered.trial)]
    assert counts == [2, 1]


def test_keys_and_journals_are_of_one_stack(delivered: Site):
    live, trial = delivered.live, delivered.trial
    assert delivered.ask(trial, live.key).status_code == 401
    assert delivered.ask(live, delivered.trial_key).status_code == 401
    answer = delivered.ask(trial, delivered.trial_key)
    assert answer.status_code == 200, answer.text
    identity = answer.headers["X-Request-Id"]
    wait_until(lambda: trial.run("trace", identity).code == 0, "staging's journal has it", 60, 1)
    other = live.run("trace", identity)
    assert other.code == 1 and f"has no prediction {identity}" in other.words


def test_a_release_that_is_red_in_staging_never_reaches_callers(
    delivered: Site, first: Release, workshop: Workshop
):
    live, trial, bad = delivered.live, delivered.trial, workshop.bad("wrong_answers", first)
    with live.called() as callers:
        red = delivered.deploy(trial, bad)
        assert red.code == 2, red.words
        refused = delivered.deploy(live, bad, "--unconfirmed", "--why", "it was only staging")
    note("red in staging", callers.seen, red, reason=red.document["reason"])
    assert (
        refused.code == 1
        and f"{bad.name} does not come in again: it was red in trial" in refused.words
    )
    assert live.run("plan", "--image", bad.image).good().out == "withdrawn\n"
    kept = live.run("releases", "--json").good().document["records"][0]
    assert (kept["kind"], kept["outcome"], kept["release"]) == ("staging", "red", bad.name)
    assert "golden row" in kept["reason"]
    assert nobody_noticed(callers.seen) and set(callers.seen.releases) == {first.name}


def test_production_goes_back_and_staging_stays(delivered: Site, first: Release, second: Release):
    live, trial = delivered.live, delivered.trial
    delivered.deploy(trial, second).good()
    delivered.confirm().good()
    with live.called() as callers:
        delivered.deploy(live, second).good()
        live.run("rollback", "--json", "--deadline", "200", "--why", "too sweet").good()
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert image_of(live) == first.image and image_of(trial) == second.image
    # Both are in the ledger, each as what it is.
    client = MlflowClient(live.environ["MLFLOW_TRACKING_URI"])
    runs = client.search_runs([client.get_experiment_by_name("releases").experiment_id])
    told = {
        (run.data.tags["swarmline.stack"], run.data.tags["swarmline.kind"], run.data.tags["swarmline.release"])
        for run in runs
    }  # fmt: skip
    assert {
        (TRIAL, "deploy", second.name),
        (LIVE, "staging", second.name),
        (LIVE, "deploy", second.name),
        (LIVE, "rollback", first.name),
    } <= told
