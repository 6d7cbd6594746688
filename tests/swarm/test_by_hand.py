"""`docker stack deploy` as people type it: what comes so works, is known for what it is, and can be gone back from."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.support import ROOT
from tests.support.machine import Late
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.commands import Outcome
from tests.support.swarm_stack.events import answering, nobody_noticed, note
from tests.support.swarm_stack.releases import MODEL, Release
from tests.support.swarm_stack.stack import Stack
from tests.swarm.test_releases import ROWS, asked

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

NAME = "byhand"
FILES = ("stack.yml", "stack/tls.yml")
#: Another stack has this Swarm's plain names already.
NAMES = {
    f"{name}_SECRET": f"{NAME}-{name.lower().replace('_', '-')}"
    for name in (
        *("KEYS", "DB_PASSWORD", "JOURNAL_URL", "JOURNAL_KEY", "EDGE_KEY", "EDGE_CERTIFICATE"),
        "RETRAIN_TOKEN",
    )
}


def deploy(stack: Stack, *files: str, **environ: str) -> None:
    """By the docker command alone."""
    reached = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG")
    named = [part for file in files for part in ("-c", file)]
    done = subprocess.run(
        ["docker", "stack", "deploy", "--detach=true", *named, stack.name],
        cwd=ROOT,
        env={**{name: stack.environ[name] for name in reached}, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def settings(stack: Stack) -> dict[str, str]:
    """What this Swarm and this port need; a user's would need none of it."""
    ours = {name: text for name, text in stack.environ.items() if text != os.environ.get(name)}
    return {
        name: text for name, text in ours.items() if name.startswith(("EDGE_", "MODEL_", "DB_"))
    }


@pytest.fixture(name="alone", scope="module")
def _alone(
    swarm: Swarm, first: Release, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack that no command of ours has deployed."""
    stack = Stack(swarm, tmp_path_factory.mktemp(NAME), NAME, {"EDGE_PORT": "9443"})
    stack.run("secrets", "--plain-names", "--self-signed", "edge.test").good()
    try:
        deploy(stack, *FILES, **settings(stack), **NAMES, MODEL_IMAGE=first.image, STACK=NAME)
        wait_until(lambda: ready(stack), "the stack serves", 120, 0.5)
        yield stack
    finally:
        stack.remove()


def ready(stack: Stack) -> bool:
    return stack.run("confirm", "--deadline", "5").code == 0


def test_a_first_deploy_by_hand_keeps_its_settings_when_a_pipeline_deploys_next(
    alone: Stack, first: Release
):
    status = alone.run("status", "--json")
    assert status.code == 0 and status.document["release"] == first.name, status.words
    assert "came without `make deploy`" in status.document["warnings"][0]
    unset = dict.fromkeys(settings(alone), "")
    alone.deploy(first, "--watch", "0", **unset).good()
    after = alone.run("status", "--json").document
    values = {setting["name"]: setting["value"] for setting in after["settings"]}
    assert values["EDGE_PORT"] == "9443" and after["warnings"] == []


@pytest.mark.parametrize("way", ["stack.yml", "make stack-file"])
def test_a_release_that_came_by_hand_is_seen_traced_and_gone_back_from(
    alone: Stack, first: Release, second: Release, way: str
):
    alone.deploy(first, "--watch", "0").good()
    with alone.called() as callers:
        come(alone, second, way)
    note(f"docker stack deploy, by {way}", callers.seen)
    assert nobody_noticed(callers.seen), callers.seen.summary

    assert answering(alone) == {second.name}
    status = alone.run("status", "--json")
    assert status.document["release"] == second.name, status.words
    assert f"`make rollback` goes back to {first.name}" in status.document["warnings"][0]
    assert traced(alone) == second.document["models"][MODEL]["champion"]["run_id"]

    with alone.called() as callers:
        back = alone.run("rollback", "--json", "--why", "by hand").good()
    note(f"make rollback from a release by {way}", callers.seen, back)
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert answering(alone) == {first.name}
    planned = alone.run("plan", "--image", second.image)
    assert "went back from it" in planned.words, planned.words


def come(stack: Stack, release: Release, way: str) -> None:
    """Brings the release in, and waits until every replica is it."""
    if way == "stack.yml":
        deploy(stack, *FILES, **settings(stack), **NAMES, MODEL_IMAGE=release.image, STACK=NAME)
    else:
        rendered = stack.run("stack-file", "--json", "--image", release.image).good()
        deploy(stack, rendered.document["file"])
    wait_until(lambda: serves(stack, release), f"{release.name} serves", 180, 0.5)


def serves(stack: Stack, release: Release) -> bool:
    """By its own replicas alone, and with edges and database as they are meant to be."""
    images = [task["Spec"]["ContainerSpec"]["Image"] for task in stack.tasks("model")]
    return set(images) == {release.image} and len(images) == 3 and ready(stack)


def traced(stack: Stack) -> str:
    """The run behind a prediction of now, once the journal has it."""
    identity = asked(stack, MODEL, ROWS).headers["X-Request-Id"]

    answers: list[Outcome] = []

    def runs() -> list[str]:
        answers.append(stack.run("trace", identity, "--json"))
        predictions = answers[-1].document.get("predictions", [])
        return [prediction["run_id"] for prediction in predictions]

    try:
        return str(wait_until(runs, f"the journal has {identity}", 90, 1)[0])
    except Late as error:
        # Else nobody knows whether the journal is behind or the command fails.
        seconds = [round(answer.seconds) for answer in answers]
        raise AssertionError(f"{error}; asked for {seconds} s: {answers[-1].words}") from error
