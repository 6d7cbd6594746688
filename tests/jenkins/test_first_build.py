"""The first build in a fresh workspace, with its real commands: all that it has is a clean clone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.jenkins.builds import done, status
from tests.support.jenkins.site import GATED, Agent

pytestmark = pytest.mark.slow
#: One is enough: a training has tests of its own.
MODEL = sorted(GATED)[-1]


@pytest.fixture(name="agent", scope="module")
def _agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    # What was checked before with the same inputs is known: checks have tests of their own.
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    agent = Agent(tmp_path_factory.mktemp("agent"), {"XDG_CACHE_HOME": home})
    try:
        yield agent
    finally:
        agent.close()


@pytest.fixture(name="branch", scope="module")
def _branch(agent: Agent) -> dict[str, Any]:
    return agent.build({"BRANCH_NAME": "better-churn"}, MODEL=MODEL)


def test_a_branch_is_green_and_trained_in_its_workspace(branch: dict[str, Any]) -> None:
    assert branch["result"] == "SUCCESS", branch["log"][-6000:]
    assert status(branch)["Rehearse"] == "done"
    (mail,) = done(branch, "emailext")
    assert MODEL in mail["body"]


def test_what_each_target_says_is_kept(agent: Agent, branch: dict[str, Any]) -> None:
    logs = {path.name for path in agent.workspaces.glob("*/build/log/*.log")}
    assert {"env.log", "train.log", "notify.log"} <= logs, branch["log"]


def test_a_workspace_without_an_environment_is_red_and_heard_of(agent: Agent) -> None:
    agent.workspaces = agent.folder / "fresh"
    run = agent.job("jenkins/pipelines/data.Jenkinsfile", {}, {"PYTHON": "no-such-python"})
    (mail,) = done(run, "emailext")
    assert "there is no no-such-python here" in run["log"]
    assert run["result"] == "FAILURE" and "no report could be made" in mail["body"]
