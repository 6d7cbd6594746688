"""The platform on a real Swarm: MLflow, its database, the registry and both gates; backup and restore.

Jenkins' own image cannot be had from packages, so its controller has no replicas here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.commands import Outcome, run

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

STACK = "platform"
SECONDS = 1200.0


class Platform(NamedTuple):
    """`first` is what the start of it said."""

    swarm: Swarm
    environ: dict[str, str]
    first: Outcome

    @property
    def experiment(self) -> str:
        address = self.first.document["mlflow"]
        return f"{address}/api/2.0/mlflow/experiments/get?experiment_id=0"

    def password(self, name: str) -> str:
        folder = Path(self.environ["SWARMLINE_BUILD"], "secrets/platform")
        return (folder / f"{name}_password").read_text(encoding="ascii").strip()

    def run(self, *verb: str) -> Outcome:
        return platform_command(self.environ, *verb)

    def mlflow(self, code: str, user: str = "pipelines", name: str = "mlflow") -> str:
        """What a program prints that talks to MLflow as a pipeline does: on the network of the agent, by name."""
        environ = {
            "MLFLOW_TRACKING_URI": "http://mlflow:5000",
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": self.password(name),
            "GIT_PYTHON_REFRESH": "quiet",
        }
        return self.in_agents_place(code, environ, "front")

    def in_agents_place(self, code: str, environ: dict[str, str], network: str) -> str:
        """What it prints as a service without a restart: networks of a stack are not open to plain containers."""
        docker, name = self.swarm.docker, f"{STACK}_probe"
        variables = [part for key, value in environ.items() for part in ("--env", f"{key}={value}")]
        image = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
        image = docker("service", "inspect", "--format", image, f"{STACK}_tracking").strip()
        where = ("--network", f"{STACK}_{network}", "--constraint", "node.role == manager")
        docker(
            *("service", "create", "--quiet", "--detach", "--name", name, *where, *variables),
            *("--restart-condition", "none", "--no-resolve-image", "--entrypoint", "python3"),
            *(image, "-c", code),
        )
        try:
            state = wait_until(lambda: self._end(name), f"{name} ends", 120, 0.5)
            words = docker("service", "logs", "--raw", name, seconds=60)
            assert state == "complete", words
            return words
        finally:
            docker("service", "rm", name)

    def _end(self, name: str) -> str:
        tasks = self.swarm.docker("service", "ps", "--quiet", "--no-trunc", name).split()
        ask = ("inspect", "--format", "{{.Status.State}}")
        states = [self.swarm.docker(*ask, task).strip() for task in tasks]
        return next((state for state in states if state in ("complete", "failed", "rejected")), "")


def platform_command(environ: dict[str, str], *verb: str) -> Outcome:
    options = ("--json", "--deadline", str(SECONDS))
    return run(environ, "platform", *verb, *options, seconds=2 * SECONDS)


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
        # 8443 is the edge's of the stack that other tests leave there.
        "JENKINS_PORT": "18443",
        "REGISTRY_PORT": "15000",
        "DOCKER_SOCKET": swarm.manager.socket.removeprefix("unix://"),
        "MLFLOW_WORKERS": "1",
    }
    try:
        yield Platform(swarm, environ, platform_command(environ, "up").good())
    finally:
        platform_command(environ, "down")


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
    first = platform.first
    assert first.document["mlflow"].startswith("https://") and "admin" in first.words
    for name in ("admin", "mlflow", "registry"):
        assert platform.password(name) not in first.words + first.out


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
    registry = f"https://{platform.swarm.manager.address}:15000/v2/"
    assert _status(platform.experiment) == _status(platform.experiment, "pipelines", "wrong") == 401
    assert _status(registry) == _status(registry, "pipelines", "wrong") == 401
    assert _status(platform.experiment, "pipelines", platform.password("mlflow")) == 200
    assert _status(registry, "pipelines", platform.password("registry")) == 200


def test_an_image_goes_in_and_comes_out(platform):
    swarm, place = platform.swarm, "127.0.0.1:15000/swarmline/tried:1"
    swarm.docker("pull", "--quiet", swarm.images["EDGE_IMAGE"])
    swarm.docker("tag", swarm.images["EDGE_IMAGE"], place)
    with pytest.raises(Exception, match="no basic auth credentials|unauthorized|401"):
        swarm.docker("push", place)
    login = ("--username", "pipelines", "--password-stdin", "127.0.0.1:15000")
    swarm.docker("login", *login, stdin=platform.password("registry"))
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
    words = platform.in_agents_place(f"CALLS = {calls}{ASK}", {}, "engine")
    statuses = [line.rsplit(" ", 1)[1] for line in words.splitlines()]
    assert statuses == ["200", "200", "403", "403", "403", "400"], words


def test_a_second_start_changes_nothing(platform):
    before = platform.swarm.docker("secret", "ls", "--quiet")
    platform.run("up").good()
    assert platform.swarm.docker("secret", "ls", "--quiet") == before


def test_what_was_backed_up_comes_back(platform):
    backup = platform.run("backup").good().document
    assert min(backup["files"].values()) > 0
    platform.mlflow(
        "import mlflow; mlflow.delete_experiment(mlflow.get_experiment_by_name('round-trip').experiment_id)"
    )
    platform.run("restore", backup["folder"]).good()
    words = platform.mlflow(READ)
    assert "R2 0.5" in words and "CARD the card" in words
    platform.swarm.docker("image", "rm", "127.0.0.1:15000/swarmline/tried:1")
    platform.swarm.docker("pull", "--quiet", "127.0.0.1:15000/swarmline/tried:1")


def test_a_backup_that_was_touched_is_refused(platform):
    folder = platform.run("backup").good().document["folder"]
    file = Path(folder, "mlflow.dump")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    refused = platform.run("restore", folder)
    assert refused.code == 1 and "not what was backed up" in refused.document["reason"]


def _change(platform: Platform, name: str, content: str) -> tuple[Path, str]:
    path = Path(platform.environ["SWARMLINE_BUILD"], "secrets/platform", name)
    before = path.read_text(encoding="ascii")
    path.write_text(content, encoding="ascii")
    return path, before


def test_a_password_that_a_person_wrote_takes_the_place_of_the_old_one(platform):
    _, before = _change(platform, "mlflow_reader_password", "a-better-one")
    platform.run("up").good()
    assert _status(platform.experiment, "reader", "a-better-one") == 200
    assert _status(platform.experiment, "reader", before.strip()) == 401


def test_a_password_that_the_database_would_not_follow_is_refused(platform):
    path, before = _change(platform, "mlflow_db_password", "another")
    try:
        refused = platform.run("up")
        assert refused.code == 1 and "put the file back" in refused.document["reason"]
    finally:
        path.write_text(before, encoding="ascii")
    platform.run("up").good()


def test_a_restore_from_nothing_is_refused(platform, tmp_path):
    refused = platform.run("restore", str(tmp_path))
    assert refused.code == 1 and "is no backup" in refused.document["reason"]
