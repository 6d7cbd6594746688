"""An image that is named by its files is built when one of them changes, and only then."""

from __future__ import annotations

import pytest

from scripts.command.checkout import Commit
from scripts.image import from_files
from scripts.image.from_files import Recipe
from tests.support.scripts.swarm_in_a_file import SwarmInAFile

AGENT = Recipe(
    "swarmline/agent",
    "AGENT_BASE",
    "base:1",
    {"Dockerfile": "jenkins/agent.Dockerfile", "jenkins/agent.sh": "jenkins/agent.sh"},
    version="1.2",
)


@pytest.fixture(autouse=True)
def _base(swarm: SwarmInAFile) -> None:
    for place, name in enumerate(("base:1", "base:2")):
        swarm.change("image", **{name: {"config": {"RootFS": {"Layers": [str(place)]}}}})


def test_it_is_built_once(swarm: SwarmInAFile):
    tag = from_files.ensure(AGENT, 60, commit=Commit("abc", 1, dirty=True))
    assert tag.startswith("swarmline/agent:1.2-")
    (build,) = swarm.calls("build")
    revision = "org.opencontainers.image.revision=abc-dirty"
    assert {"AGENT_BASE=base:1", "SOURCE_DATE_EPOCH=1", revision} <= set(build["words"])
    assert from_files.ensure(AGENT, 60, commit=Commit("def", 2, dirty=False)) == tag
    assert len(swarm.calls("build")) == 1
    assert from_files.ensure(AGENT, 60, cache=False) == tag
    assert len(swarm.calls("build")) == 2


@pytest.mark.parametrize(
    "other",
    [
        AGENT._replace(base="base:2"),
        AGENT._replace(arguments={"JAVA_PACKAGE": "openjdk"}),
        AGENT._replace(files={**AGENT.files, "uv.txt": "requirements/uv.txt"}),
    ],
)
def test_what_goes_in_is_in_its_name(other: Recipe):
    assert from_files.ensure(other, 60) != from_files.ensure(AGENT, 60)


def test_it_is_pushed_where_there_is_a_registry(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("REGISTRY", raising=False)
    assert from_files.push("swarmline/agent:1", 60) == ""
    monkeypatch.setenv("REGISTRY", "house:5000")
    named = from_files.push("swarmline/agent:1", 60)
    assert named == f"house:5000/swarmline/agent@sha256:{'0' * 64}"
