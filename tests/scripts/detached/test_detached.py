"""A deploy that a build of Jenkins began goes on to its end without it: whatever is killed, and whatever is removed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.command import processes
from tests.support.jenkins.killer import kill
from tests.support.scripts.swarm_in_a_file import SwarmInAFile, edge, environ, release, stand_in

# They start the whole command, on a docker command that stands in for a Swarm.
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
NEEDED = ("outside", "scripts", "stack", "requirements", "Makefile", "pyproject.toml", "stack.yml")
NODE, SERVER = "JENKINS_NODE_COOKIE", "JENKINS_SERVER_COOKIE"
OLD, NEW = release(1, "aaaa"), release(2, "bbbb")


def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
    return result


def asked(build: Build, call: str) -> bool:
    return (build.place / "swarm/calls.jsonl").exists() and bool(build.swarm.calls(call))


class Build:
    """A build on a machine of its own: a workspace, credentials, cookies, and the Swarm that it reaches at an edge.

    Release bbbb serves. What it goes back to, aaaa, never gets ready there.
    """

    def __init__(self, place: Path, url: str, swarm: SwarmInAFile):
        self.place, self.swarm, self.workspace = place, swarm, place / "workspace"
        swarm.remember(OLD, NEW)
        swarm.change("bad", **{OLD.image: {"state": "preparing", "error": ""}})
        (place / "credentials").mkdir()
        self.credentials = [place / "credentials" / name for name in ("api-key", "edge-key")]
        for path in self.credentials:
            path.write_text(f"the {path.name}", encoding="ascii")
        self.started: list[subprocess.Popen[str]] = []
        self.cookies = {name: f"{name} of {place}" for name in (NODE, SERVER)}
        self.environ = {
            **os.environ,
            **environ(place, url),
            **self.cookies,
            "SWARMLINE_BUILD": "build",
            "SWARMLINE_DEPLOYS": str(place / "deploys"),
            "SWARMLINE_LOG": "build/log",
            "SWARMLINE_KEY_FILE": str(self.credentials[0]),
            "SWARMLINE_EDGE_KEY_FILE": str(self.credentials[1]),
            "BUILD_TAG": "jenkins-rollback-7",
            "BUILD_ID": "7",
            "BY": "jenkins-rollback-7",
        }
        self.check_out()

    def check_out(self) -> None:
        for name in NEEDED:
            copy: Callable[..., Any] = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            self.workspace.mkdir(exist_ok=True)
            copy(ROOT / name, self.workspace / name)
        (self.workspace / ".venv").symlink_to((ROOT / ".venv").resolve())
        for lock in (self.workspace / "requirements").iterdir():
            os.utime(lock, (0, 0))

    def own_environment(self) -> None:
        """Not a link to another place: what is in the workspace goes with it."""
        own = self.workspace / ".venv"
        own.unlink()
        linked = ["cp", "--archive", "--link", str((ROOT / ".venv").resolve()), str(own)]
        if subprocess.run(linked, capture_output=True, check=False).returncode:
            shutil.rmtree(own, ignore_errors=True)
            subprocess.run([word for word in linked if word != "--link"], check=True)

    def start(self, target: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["sh", "-e", "-c", f"make {target}"], cwd=self.workspace, env=self.environ | environ,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def make(self, target: str, **environ: str) -> tuple[int, str]:
        process = self.start(target, **environ)
        words, _ = process.communicate(timeout=120)
        return process.returncode, words

    def changing(self) -> None:
        until(lambda: self.swarm.deploys)

    def folder(self) -> Path:
        (result,) = (self.place / "deploys").iterdir()
        return result

    def deploy(self) -> int:
        """The number of the process that deploys."""
        pid = processes.running_here((self.folder() / "process").read_text(encoding="ascii"))
        assert pid is not None
        return pid

    def outcome(self) -> dict[str, Any]:
        path = self.workspace / "build/release/deploy.json"
        return dict(json.loads(path.read_bytes()))

    def close(self) -> None:
        for path in self.place.glob("deploys/*/process"):
            if pid := processes.running_here(path.read_text(encoding="ascii")):
                os.kill(pid, signal.SIGKILL)
        for step in self.started:
            if step.poll() is None:
                os.killpg(step.pid, signal.SIGKILL)
            step.communicate(timeout=60)


@pytest.fixture(name="build")
def _build(tmp_path: Path) -> Iterator[Build]:
    swarm = SwarmInAFile(tmp_path / "swarm")
    stand_in(tmp_path / "bin")
    with edge(swarm) as url:
        build = Build(tmp_path, url, swarm)
        try:
            yield build
        finally:
            build.close()


def test_an_aborted_build_s_deploy_goes_back_though_workspace_and_credentials_are_gone(
    build: Build,
) -> None:
    build.own_environment()
    build.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{build.place}/mlflow.db"
    step = build.start("rollback")
    build.changing()
    deploy = build.deploy()
    # The abort ends the step at once; then what the build had is removed, and the agent given back.
    assert deploy not in kill(SERVER, build.cookies[SERVER])
    words, _ = step.communicate(timeout=60)
    assert "the deploy was told to go back" in words and step.returncode != 0
    shutil.rmtree(build.workspace)
    shutil.rmtree(build.place / "credentials")
    assert deploy not in kill(NODE, build.cookies[NODE])
    build.check_out()
    code, words = build.make("verdict")
    assert code == 0 and "the deploy of this build has ended: interrupted by SIGTERM" in words
    assert (build.outcome()["code"], build.outcome()["serves"]) == (2, "bbbb")
    assert build.swarm.deploys == [OLD.image, NEW.image] and not build.swarm.is_locked
    # All that it needs for that it had at hand, MLflow's client too.
    assert "of releases to MLflow" in words and "Traceback" not in words


def test_its_environment_says_nothing_of_the_build_and_its_credentials_are_its_own(
    build: Build,
) -> None:
    step = build.start("rollback")
    build.changing()
    pairs = Path(f"/proc/{build.deploy()}/environ").read_bytes().split(b"\0")
    environ = dict(os.fsdecode(pair).partition("=")[::2] for pair in pairs if pair)
    assert not {NODE, SERVER, "BUILD_ID", "BUILD_TAG", "MAKEFLAGS"} & environ.keys()
    private = build.folder() / "private"
    key = Path(environ["SWARMLINE_KEY_FILE"])
    assert key.parent == private and key.read_text(encoding="ascii") == "the api-key"
    for path in (build.folder(), private):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    kill(SERVER, build.cookies[SERVER])
    step.communicate(timeout=60)
    build.make("verdict")
    until(lambda: not (build.folder() / "work").exists())
    assert not private.exists()


def test_without_an_abort_the_step_ends_as_the_deploy_does(build: Build) -> None:
    code, words = build.make("rollback ARGS=--deadline=2")
    assert code != 0 and "not done within 2 s" in words and words.count("swarmline: ") == 1
    assert build.outcome()["code"] == 3 and "not done within 2 s" in build.outcome()["reason"]
    # Waited for once more, as `post` does.
    assert build.make("verdict")[0] == 0 and build.outcome()["code"] == 3


def test_an_abort_before_the_swarm_is_changed_ends_it_at_once(build: Build) -> None:
    build.swarm.fault("info", hangs=True)
    step = build.start("rollback")
    until(lambda: asked(build, "info"))
    kill(SERVER, build.cookies[SERVER])
    step.communicate(timeout=60)
    _, words = build.make("verdict")
    assert "interrupted by SIGTERM, before anything was changed" in words
    assert build.outcome()["code"] == 1 and build.swarm.deploys == []


@pytest.mark.parametrize("target", ["deploy", "rollback", "traffic"])
def test_whatever_changes_the_swarm_runs_by_itself(build: Build, target: str) -> None:
    build.swarm.fault("info", words="no manager answers")
    code, words = build.make(target, MODEL="late", MODE="off", IMAGE=NEW.image)
    assert code != 0 and "runs by itself" in words and "no manager answers" in words


def test_without_a_place_to_run_in_it_is_refused(build: Build) -> None:
    (build.place / "deploys").write_text("no folder", encoding="ascii")
    code, words = build.make("rollback")
    assert code != 0 and "there is no place for a deploy to run in" in words
    assert build.outcome()["code"] == 1 and build.swarm.deploys == []


def test_of_a_deploy_that_was_killed_nobody_says_more_than_is_known(build: Build) -> None:
    step = build.start("rollback")
    build.changing()
    os.kill(build.deploy(), signal.SIGKILL)
    words, _ = step.communicate(timeout=60)
    assert step.returncode != 0 and "`make status` tells what serves" in words
    assert build.outcome()["code"] is None
    assert not (build.folder() / "private").exists()
    # The next one goes on from there.
    code, words = build.make("rollback ARGS=--deadline=2", BUILD_TAG="jenkins-rollback-8")
    assert code != 0 and "was cut off; going on from there" in words


def test_of_two_deploys_of_a_build_each_has_an_outcome_of_its_own(build: Build) -> None:
    build.make("rollback ARGS=--deadline=2", SWARMLINE_OUTCOME="staging.json")
    staging = build.workspace / "build/release/staging.json"
    assert json.loads(staging.read_bytes())["code"] == 3
    # The other was never begun, and nothing is said of it.
    code, words = build.make("verdict")
    assert (code, "has ended" in words) == (0, False)
    assert not staging.with_name("deploy.json").exists()
    _, words = build.make("verdict", SWARMLINE_OUTCOME="staging.json")
    assert "the deploy of this build has ended: " in words


def test_who_deploys_meanwhile_is_told_by_whom_the_stack_is_locked(build: Build) -> None:
    build.start("rollback")
    build.changing()
    code, words = build.make("rollback", BUILD_TAG="jenkins-traffic-3", BY="jenkins-traffic-3")
    assert code != 0
    assert "is locked: jenkins-rollback-7 has been at" in words
    assert build.swarm.deploys == [OLD.image]


def by_hand(build: Build) -> None:
    for name in (NODE, SERVER):
        del build.environ[name]


def test_by_hand_it_stays_in_the_foreground_and_ctrl_c_goes_back(build: Build) -> None:
    by_hand(build)
    terminal = build.start("rollback")
    build.changing()
    assert not (build.place / "deploys").exists()
    os.killpg(terminal.pid, signal.SIGINT)
    words, _ = terminal.communicate(timeout=60)
    assert "swarmline: interrupted by SIGINT" in words and build.outcome()["code"] == 2
    assert build.swarm.deploys == [OLD.image, NEW.image]


def test_by_hand_ctrl_c_before_anything_was_changed_is_one_sentence(build: Build) -> None:
    by_hand(build)
    build.swarm.fault("info", hangs=True)
    terminal = build.start("rollback")
    until(lambda: asked(build, "info"))
    os.killpg(terminal.pid, signal.SIGINT)
    words, _ = terminal.communicate(timeout=60)
    assert "before anything was changed" in words and "Traceback" not in words


def test_a_build_that_deploys_nothing_has_nothing_to_wait_for(build: Build) -> None:
    assert build.make("verdict") == (0, "")
    assert not (build.workspace / "build/release").exists()
