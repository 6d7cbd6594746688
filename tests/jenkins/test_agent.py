"""jenkins/agent.sh against what a controller answers: who it asks as, and what Java is started with."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from werkzeug.wrappers import Request, Response

from scripts import detached
from tests.support import ROOT
from tests.support.machine import wait_until
from tests.support.web import answering

SCRIPT = ROOT / "jenkins/agent.sh"
SECRET = "0123456789abcdef" * 4
#: As a controller writes it: the agent's secret is the first argument, its name the second.
PAGE = f"""<jnlp codebase="http://controller/"><application-desc main-class="hudson.remoting.jnlp.Main">
<argument>{SECRET}</argument><argument>docker</argument></application-desc></jnlp>"""
JAVA = """#!/bin/sh
for one; do echo "$one"; done >"$HOME/java"
"""


#: As an agent stays, until it is told to end.
STAYING = JAVA + "exec sleep 600\n"
#: Stands for a deploy that is told to go back, and does when the test lets it.
DEPLOY = """
import pathlib, signal, sys, time
place = pathlib.Path(sys.argv[-1])
signal.signal(signal.SIGTERM, lambda *_: (place / "told").touch())
(place / "begun").touch()
while not (place / "may-end").exists():
    time.sleep(0.02)
"""


class Controller:
    """Down for the first call, as a controller that is starting."""

    PASSWORD = 'ri"g\\t @:'

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, request: Request) -> Response:
        self.calls += 1
        login = request.authorization
        if login is None or (login.username, login.password) != ("agent", self.PASSWORD):
            return Response(status=401)
        answers = {"/computer/docker/jenkins-agent.jnlp": PAGE, "/jnlpJars/agent.jar": "a jar"}
        status = 503 if self.calls == 1 else 200 if request.path in answers else 404
        return Response(answers.get(request.path, ""), status)


class Place(NamedTuple):
    home: Path
    environ: dict[str, str]

    def run(self, seconds: float = 30) -> subprocess.CompletedProcess[str]:
        command = ["sh", str(SCRIPT)]
        return subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=seconds, check=False
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").write_text(JAVA, encoding="ascii")
    (tmp_path / "bin/java").chmod(0o755)
    (tmp_path / "password").write_text(Controller.PASSWORD + "\n", encoding="ascii")
    environ = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "AGENT_PASSWORD_FILE": str(tmp_path / "password"),
        "AGENT_WAIT": "0.1",
        "NO_PROXY": "*",
        # A volume that is new has no such folder yet.
        "TMPDIR": str(tmp_path / "tmp"),
    }
    with answering(Controller()) as url:
        yield Place(tmp_path, {"JENKINS_URL": f"{url}/", **environ})


def test_it_waits_for_the_controller_and_connects_by_websocket(place):
    done = place.run()
    assert done.returncode == 0 and "does not answer" in done.stderr, done.stderr
    words = (place.home / "java").read_text(encoding="ascii").split()
    options = dict(zip(words[2::2], words[3::2], strict=False))
    assert words[:2] == ["-jar", f"{place.home}/agent/agent.jar"] and "-webSocket" in words
    assert options["-name"] == "docker" and options["-url"] == place.environ["JENKINS_URL"]
    assert (place.home / "agent/agent.jar").read_text(encoding="ascii") == "a jar"


def test_its_secret_is_in_a_file_for_itself_and_in_no_list_of_processes(place):
    place.run()
    words = (place.home / "java").read_text(encoding="ascii")
    file = place.home / "agent/secret"
    assert SECRET not in words and f"@{file}" in words
    assert file.read_text(encoding="ascii") == SECRET and file.stat().st_mode & 0o777 == 0o600


def wait_for(path: Path) -> None:
    wait_until(path.exists, str(path))


@pytest.fixture
def deploy(place) -> Iterator[Path]:
    """The folder of a deploy that runs, as scripts/detached/process.py starts it."""
    folder = place.home / ".local/state/swarmline/deploys/a-build"
    folder.mkdir(parents=True)
    words = ("-m", "scripts.detached", "run", str(folder))
    command = [sys.executable, "-S", "-c", DEPLOY, *words]
    with subprocess.Popen(command) as process:
        try:
            wait_for(folder / "begun")
            yield folder
        finally:
            process.kill()


@contextlib.contextmanager
def agent_of(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """The script, once it has started Java."""
    with subprocess.Popen(["sh", str(SCRIPT)], env=place.environ, start_new_session=True) as agent:
        try:
            wait_for(place.home / "java")
            yield agent
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(agent.pid, signal.SIGKILL)


def test_a_stop_of_the_container_is_told_to_a_deploy_and_waits_for_it(place, deploy):
    (place.home / "bin/java").write_text(STAYING, encoding="ascii")
    with agent_of(place) as agent:
        agent.send_signal(signal.SIGTERM)
        wait_for(deploy / "told")
        assert agent.poll() is None
        (deploy / "may-end").touch()
        assert agent.wait(timeout=30) == 128 + signal.SIGTERM


def test_java_s_own_end_is_no_reason_for_a_deploy_to_go_back(place, deploy):
    with agent_of(place) as agent:
        assert agent.poll() is None and not (deploy / "told").exists()
        (deploy / "may-end").touch()
        assert agent.wait(timeout=30) == 0


def test_it_does_not_start_without_an_address(place):
    del place.environ["JENKINS_URL"]
    done = place.run()
    assert done.returncode and "where the controller is" in done.stderr


def test_the_containers_health_knows_a_deploy_by_the_name_of_its_module():
    platform = (ROOT / "jenkins/platform.yml").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"test: \[CMD, pgrep, -f, '(.*?)'\]", platform)
    assert re.search(pattern, f"python -S -m {detached.__name__} run /some/folder")
    assert not re.search(pattern, f"python -S -m {detached.__name__} verdict")
