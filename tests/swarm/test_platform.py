"""The platform on a real Swarm: MLflow, its database, the registry and both gates; backup and restore.

Jenkins' own image cannot be had from packages, so its controller has no replicas here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.support import ROOT
from tests.support.swarm.cluster import Swarm

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

STACK = "platform"
SECONDS = 1200.0


class Platform(NamedTuple):
    """`facts` is what the command printed."""

    swarm: Swarm
    environ: dict[str, str]
    facts: dict[str, Any]

    def password(self, name: str) -> str:
        folder = Path(self.environ["SWARMLINE_BUILD"], "secrets/platform")
        return (folder / f"{name}_password").read_text(encoding="ascii").strip()

    def run(self, *verb: str) -> dict[str, Any]:
        return _platform(self.environ, *verb)

    def mlflow(self, code: str, user: str = "pipelines", name: str = "mlflow") -> str:
        """What a program prints that talks to MLflow as a pipeline does: on the network of the agent, by name."""
        told = {
            "MLFLOW_TRACKING_URI": "http://mlflow:5000",
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": self.password(name),
            "GIT_PYTHON_REFRESH": "quiet",
        }
        return _in_agents_place(self, code, told, "front")


def _in_agents_place(platform: Platform, code: str, told: dict[str, str], network: str) -> str:
    """A service without a restart, for networks of a stack are not open to plain containers."""
    swarm, name = platform.swarm, f"{STACK}_probe"
    environment = [part for key, value in told.items() for part in ("--env", f"{key}={value}")]
    (image,) = json.loads(swarm.docker("service", "inspect", f"{STACK}_tracking"))
    image = image["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    where = ("--network", f"{STACK}_{network}", "--constraint", "node.role == manager")
    swarm.docker(
        *("service", "create", "--quiet", "--detach", "--name", name, *where, *environment),
        *("--restart-condition", "none", "--no-resolve-image", "--entrypoint", "python3"),
        *(image, "-c", code),
    )
    try:
        state = _ended(swarm, name)
        words = swarm.docker("service", "logs", "--raw", name, seconds=60)
        assert state == "complete", words
        return words
    finally:
        swarm.docker("service", "rm", name)


def _ended(swarm: Swarm, name: str) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for task in swarm.docker("service", "ps", "--quiet", "--no-trunc", name).split():
            state = swarm.docker("inspect", "--format", "{{.Status.State}}", task).strip()
            if state in ("complete", "failed", "rejected"):
                return state
        time.sleep(0.5)
    return "late"


def _platform(environ: dict[str, str], *verb: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "scripts.platform_stack.stack",
            "--json",
            "--deadline",
            str(SECONDS),
            *verb,
        ],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    facts: dict[str, Any] = json.loads(done.stdout or "{}")
    assert facts.get("code") == done.returncode, done.stderr
    return facts | {"words": done.stderr}


@pytest.fixture(scope="module")
def platform(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    environ = {
        **os.environ,
        **swarm.env,
        "SWARMLINE_BUILD": str(tmp_path_factory.mktemp("platform")),
        "PLATFORM_STACK": STACK,
        "PLATFORM_PORT_MODE": "host",
        "CONTROLLER_REPLICAS": "0",
        "AGENT_REPLICAS": "0",
        "REGISTRY_PORT": "15000",
        "DOCKER_SOCKET": swarm.manager.socket.removeprefix("unix://"),
        "MLFLOW_WORKERS": "1",
    }
    facts = _platform(environ, "up")
    assert facts["code"] == 0, facts["words"]
    try:
        yield Platform(swarm, environ, facts)
    finally:
        _platform(environ, "down")


LOG = """
import mlflow, pathlib
mlflow.set_experiment("round-trip")
with mlflow.start_run() as run:
    mlflow.log_metric("r2", 0.5)
    pathlib.Path("/tmp/card.txt").write_text("the card")
    mlflow.log_artifact("/tmp/card.txt")
print("RUN", run.info.run_id)
"""
READ = """
import mlflow
run = mlflow.search_runs(experiment_names=["round-trip"]).iloc[0]
print("R2", run["metrics.r2"])
print("CARD", mlflow.artifacts.load_text(f"runs:/{run.run_id}/card.txt"))
"""
WRITE = """
import mlflow
try:
    mlflow.create_experiment("not-mine")
except mlflow.MlflowException as error:
    print("REFUSED", error)
"""


def test_it_says_where_to_look_and_prints_no_password(platform):
    assert platform.facts["mlflow"].startswith("https://") and "admin" in platform.facts["words"]
    for name in ("admin", "mlflow", "registry"):
        assert platform.password(name) not in platform.facts["words"] + json.dumps(platform.facts)


def test_a_pipeline_logs_a_run_and_reads_it_back_by_the_service_s_name(platform):
    assert "RUN" in platform.mlflow(LOG)
    words = platform.mlflow(READ)
    assert "R2 0.5" in words and "CARD the card" in words


def test_who_may_only_look_looks_and_changes_nothing(platform):
    assert "CARD the card" in platform.mlflow(READ, "reader", "mlflow_reader")
    assert "REFUSED" in platform.mlflow(WRITE, "reader", "mlflow_reader")


def _status(url: str, *login: str) -> int:
    # The certificate is the platform's own.
    session = requests.Session()
    session.trust_env, session.verify = False, False
    with pytest.warns(Warning, match="Unverified HTTPS"):
        return session.get(url, auth=tuple(login) or None, timeout=10).status_code


def test_without_a_password_nobody_gets_in(platform):
    url = f"{platform.facts['mlflow']}/api/2.0/mlflow/experiments/get?experiment_id=0"
    registry = f"https://{platform.swarm.manager.address}:15000/v2/"
    assert _status(url) == _status(url, "pipelines", "wrong") == 401
    assert _status(registry) == _status(registry, "pipelines", "wrong") == 401
    assert _status(url, "pipelines", platform.password("mlflow")) == 200
    assert _status(registry, "pipelines", platform.password("registry")) == 200


def test_an_image_goes_in_and_comes_out(platform):
    swarm, place = platform.swarm, "127.0.0.1:15000/swarmline/tried:1"
    swarm.docker("pull", "--quiet", swarm.images["EDGE_IMAGE"])
    swarm.docker("tag", swarm.images["EDGE_IMAGE"], place)
    with pytest.raises(Exception, match="no basic auth credentials|unauthorized|401"):
        swarm.docker("push", place)
    login = ("--username", "pipelines", "--password-stdin", "127.0.0.1:15000")
    swarm.docker("login", *login, given=platform.password("registry"))
    swarm.docker("push", place)
    swarm.docker("image", "rm", place)
    swarm.docker("pull", "--quiet", place)


ASK = """
import urllib.error, urllib.request
for method, path in CALLS:
    request = urllib.request.Request(f"http://engine:2375{path}", b"{}" if method == "POST" else None, method=method)
    try:
        status = urllib.request.urlopen(request, timeout=20).status
    except urllib.error.HTTPError as error:
        status = error.code
    print(method, path, status)
"""


def test_the_agent_reaches_the_engine_and_not_what_could_take_the_swarm_over(platform):
    calls = [
        ("GET", "/v1.45/services"),
        ("GET", "/version"),
        ("GET", "/v1.45/swarm"),
        ("POST", "/v1.45/swarm/leave?force=1"),
        ("POST", "/v1.45/containers/any/exec"),
        ("GET", "/v1.45/services/..%2Fswarm"),
    ]
    words = _in_agents_place(platform, f"CALLS = {calls}{ASK}", {}, "engine")
    found = dict(line.rsplit(" ", 1) for line in words.splitlines())
    assert list(found.values()) == ["200", "200", "403", "403", "403", "400"], words


def test_a_second_start_changes_nothing(platform):
    before = platform.swarm.docker("secret", "ls", "--quiet")
    assert platform.run("up")["code"] == 0
    assert platform.swarm.docker("secret", "ls", "--quiet") == before


def test_what_was_backed_up_comes_back(platform):
    made = platform.run("backup")
    assert made["code"] == 0 and min(made["files"].values()) > 0
    platform.mlflow(
        "import mlflow; mlflow.delete_experiment(mlflow.get_experiment_by_name('round-trip').experiment_id)"
    )
    assert platform.run("restore", made["folder"])["code"] == 0
    words = platform.mlflow(READ)
    assert "R2 0.5" in words and "CARD the card" in words
    platform.swarm.docker("image", "rm", "127.0.0.1:15000/swarmline/tried:1")
    platform.swarm.docker("pull", "--quiet", "127.0.0.1:15000/swarmline/tried:1")


def test_a_backup_that_was_touched_is_refused(platform):
    made = platform.run("backup")
    file = Path(made["folder"], "mlflow.dump")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    refused = platform.run("restore", made["folder"])
    assert refused["code"] == 1 and "not what was backed up" in refused["reason"]


def _change(platform: Platform, name: str, content: str) -> tuple[Path, str]:
    path = Path(platform.environ["SWARMLINE_BUILD"], "secrets/platform", name)
    before = path.read_text(encoding="ascii")
    path.write_text(content, encoding="ascii")
    return path, before


def test_a_password_that_a_person_wrote_takes_the_place_of_the_old_one(platform):
    url = f"{platform.facts['mlflow']}/api/2.0/mlflow/experiments/get?experiment_id=0"
    _, before = _change(platform, "mlflow_reader_password", "a-better-one")
    assert platform.run("up")["code"] == 0
    assert _status(url, "reader", "a-better-one") == 200
    assert _status(url, "reader", before.strip()) == 401


def test_a_password_that_the_database_would_not_follow_is_refused(platform):
    path, before = _change(platform, "mlflow_db_password", "another")
    try:
        refused = platform.run("up")
        assert refused["code"] == 1 and "put the file back" in refused["reason"]
    finally:
        path.write_text(before, encoding="ascii")
    assert platform.run("up")["code"] == 0


def test_a_restore_from_nothing_is_refused(platform, tmp_path):
    refused = platform.run("restore", str(tmp_path))
    assert refused["code"] == 1 and "is no backup" in refused["reason"]
