"""The Swarm that the tests of this folder share, and one stack in it: brought up once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.service import bundles
from tests.support.swarm import cluster
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.engine import why_not
from tests.support.swarm_stack.containers import MARK, Built, build, run_in
from tests.support.swarm_stack.events import note
from tests.support.swarm_stack.releases import Release, Workshop
from tests.support.swarm_stack.stack import Stack


def is_ordinary(config: pytest.Config) -> bool:
    """Without the events that only `ALL=1` has."""
    return "not thorough" in config.getoption("markexpr")


@pytest.fixture(name="swarm", scope="session")
def _swarm(request: pytest.FixtureRequest) -> Iterator[Swarm]:
    """A real Swarm of three nodes."""
    if reason := why_not():
        pytest.skip(f"NO SWARM: {reason}")
    name = f"pytest-{os.getpid()}"
    try:
        yield cluster.up(name, ours=True, in_memory=is_ordinary(request.config))
    finally:
        cluster.down(name)


@pytest.fixture(scope="session", autouse=True)
def _pace(request: pytest.FixtureRequest) -> None:
    """Callers who never pause take the cores of a machine that runs all tests side by side: `ALL=1` has those."""
    if is_ordinary(request.config):
        Stack.pause = 0.1


@pytest.fixture(name="built", scope="session")
def _built(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The service's image with two models; the build was told something that it must keep to itself."""
    folder = tmp_path_factory.mktemp("build")
    bundles.write_bundle(folder / "bundles", bundles.YIELD, "1", linear=True)
    bundles.write_bundle(folder / "bundles", bundles.QUALITY, "1")
    return build(swarm, folder, PIP_TRUSTED_HOST=MARK)


@pytest.fixture(name="mlflow", scope="session")
def _mlflow(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command says of MLflow's image: by digest, and where its bill of materials is."""
    return run_in(swarm, tmp_path_factory.mktemp("mlflow"), "mlflow-image").good().document


@pytest.fixture(name="workshop", scope="session")
def _workshop(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(swarm, tmp_path_factory.mktemp("workshop"))


@pytest.fixture(name="first", scope="session")
def _first(workshop: Workshop) -> Release:
    return workshop.release("first", "1")


@pytest.fixture(name="second", scope="session")
def _second(workshop: Workshop) -> Release:
    """A new version of a model."""
    return workshop.release("second", "2")


@pytest.fixture(name="stack", scope="session")
def _stack(swarm: Swarm, first: Release, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A stack that was deployed from nothing, with two edges and three replicas."""
    stack = Stack(swarm, tmp_path_factory.mktemp("stack"), "swarmline")
    stack.run("secrets", "make", "--self-signed", "edge.test").good()
    note("first deploy", done=stack.deploy(first).good(), replicas=3)
    return stack


@pytest.fixture(name="calm")
def _calm(stack: Stack, first: Release) -> Stack:
    """The stack with the first release at full strength, whatever the test before left."""
    for node in stack.swarm.nodes:
        node.reconnect()
        if not node.is_up:
            node.start()
    stack.deploy(first, "--watch", "0").good()
    stack.wait_for_strength("model", 3)
    stack.wait_for_strength("edge", 2)
    return stack
