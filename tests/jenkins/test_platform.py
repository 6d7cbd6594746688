"""jenkins/platform.yml as docker renders it: hardened, watched, closed; all that the controller needs is mounted."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT
from tests.support.jenkins import casc
from tests.support.stack_files import check_container, check_update, render, try_render

FILE, FOLDER = ROOT / "jenkins/platform.yml", ROOT / "jenkins/platform"
SERVICES = ("gate", "controller", "agent", "engine", "tracking", "db", "images")
REQUIRED = {
    name: f"x_{name.lower()}"
    for name in re.findall(r"\$\{(\w+):\?", FILE.read_text(encoding="utf-8"))
}
#: Root, each for the reason that stands beside it in the file; without any capability.
ROOTS = {"engine", "images"}


@functools.cache
def _rendered() -> dict[str, Any]:
    return render(REQUIRED, FILE)


def _service(name: str) -> dict[str, Any]:
    service: dict[str, Any] = _rendered()["services"][name]
    return service


def _mounted(name: str) -> set[str]:
    secrets = _service(name).get("secrets", [])
    return {secret.get("target") or secret["source"] for secret in secrets}


def test_these_are_all_services():
    assert set(_rendered()["services"]) == set(SERVICES)


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_without_a_required_variable_nothing_renders(name):
    rest = {key: value for key, value in REQUIRED.items() if key != name}
    assert f"required variable {name} is missing" in try_render(rest, FILE).stderr


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_is_hardened_and_limited(name):
    check_container(_service(name), is_root=name in ROOTS)


@pytest.mark.parametrize("name", SERVICES)
def test_an_update_is_watched_for_longer_than_an_ill_task_needs_to_be_noticed(name):
    check_update(_service(name))


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"gate"}))
def test_what_has_a_volume_or_a_name_never_runs_twice(name):
    deploy = _service(name)["deploy"]
    assert deploy["replicas"] == 1 and deploy["endpoint_mode"] == "dnsrr"
    assert deploy["update_config"]["order"] == deploy["rollback_config"]["order"] == "stop-first"


def test_only_the_gate_publishes():
    assert [name for name in SERVICES if _service(name).get("ports")] == ["gate"]


def test_who_has_no_password_of_its_own_is_reached_through_the_gate_alone():
    networks = {name: set(_service(name)["networks"]) for name in SERVICES}
    assert networks["tracking"] == networks["images"] == networks["db"] == {"back"}
    assert networks["engine"] == {"engine"} and networks["agent"] == {"front", "engine"}
    assert "mlflow" in _service("gate")["networks"]["front"]["aliases"]
    assert all(_rendered()["networks"][name]["internal"] for name in ("back", "engine"))


def test_only_the_engine_s_gate_holds_the_socket():
    binds = [
        (name, volume["source"])
        for name in SERVICES
        for volume in _service(name).get("volumes", [])
        if volume["type"] == "bind"
    ]
    assert binds == [("engine", "/var/run/docker.sock")]


def test_networks_can_be_encrypted():
    networks = render(REQUIRED, FILE, FOLDER / "encrypted.yml")["networks"]
    assert all(network["driver_opts"]["encrypted"] == "true" for network in networks.values())
    internal = {name for name, network in networks.items() if network.get("internal")}
    assert internal == {"back", "engine"}


def test_mlflow_is_told_every_name_that_its_callers_use():
    hosts = _service("tracking")["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    address = _service("controller")["environment"]["SWARMLINE_MLFLOW"]
    # Its own health check calls it by the first.
    assert hosts[0] == address.removeprefix("http://") == "mlflow:5000"


def _document() -> dict[str, Any]:
    text = (ROOT / "jenkins/casc.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def test_every_secret_of_the_configuration_is_mounted_and_none_besides():
    # The token is the script's that runs at each start.
    assert casc.secrets(_document()) | {"retrain_token"} == _mounted("controller")


def test_every_variable_of_the_configuration_and_of_the_jobs_is_passed_on():
    variables = set(_service("controller")["environment"])
    jobs = (ROOT / "jenkins/jobs.groovy").read_text(encoding="utf-8")
    wanted = {*casc.variables(_document()), *re.findall(r"setting\('(\w+)'", jobs)}
    # The image itself says where the jobs are.
    assert wanted - variables == {"SWARMLINE_JOBS"}


def test_the_agent_asks_as_the_user_that_the_configuration_lets_connect():
    script = (ROOT / "jenkins/agent.sh").read_text(encoding="utf-8")
    agent = _document()["jenkins"]["nodes"][0]["permanent"]
    assert _mounted("agent") == {"agent_password"}
    assert _service("agent")["environment"]["AGENT_NAME"] == agent["name"]
    assert 'user = "agent:' in script and "/run/secrets/agent_password" in script


def _haproxy(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {key: str(value) for key, value in _service(name)["environment"].items()}
    environ = {"PATH": os.environ["PATH"], **variables, "GATE_SECRETS": str(folder)}
    command = [shutil.which("haproxy") or "haproxy", "-c", "-f", str(FOLDER / f"{name}.cfg")]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["gate", "engine"])
def test_haproxy_takes_its_file_with_what_the_container_is_told(name, tmp_path):
    from scripts.credentials.certificates import self_signed

    (tmp_path / "certificate.pem").write_text(self_signed("platform.test"), encoding="ascii")
    for users in ("mlflow_users", "registry_users"):
        (tmp_path / users).write_text(f"{'0' * 64} write\n", encoding="ascii")
    done = _haproxy(name, tmp_path)
    assert done.returncode == 0 and "ALERT" not in done.stderr, done.stderr


MAY = [
    ("GET", "/v1.45/services"),
    ("POST", "/v1.45/services/create"),
    ("POST", "/services/abc/update"),
    ("POST", "/v1.45/images/10.0.0.1:5000/swarmline/model/push"),
    ("POST", "/session"),
    ("HEAD", "/_ping"),
    ("DELETE", "/v1.45/configs/abc"),
]
MAY_NOT = [
    ("GET", "/v1.45/swarm"),
    ("POST", "/v1.45/swarm/leave"),
    ("POST", "/v1.45/nodes/abc/update"),
    ("DELETE", "/v1.45/nodes/abc"),
    ("POST", "/v1.45/containers/abc/exec"),
    ("POST", "/v1.45/exec/abc/start"),
    ("PUT", "/v1.45/containers/abc/archive"),
    ("POST", "/v1.45/plugins/pull"),
    ("DELETE", "/v1.45/volumes/abc"),
    ("GET", "/v1.45/services/../swarm"),
    ("GET", "/v1.45/services/%2E%2E/swarm"),
]


def _allowed(method: str, path: str) -> bool:
    """By the file's own rules: all tests of a line have to hold."""
    text = (FOLDER / "engine.cfg").read_text(encoding="utf-8")
    holds = {
        name: bool(re.search(pattern, path, re.I))
        for name, pattern in re.findall(r"acl (\w+) path_reg (?:-i )?(\S+)", text)
    }
    holds |= {
        name: method in methods.split()
        for name, methods in re.findall(r"acl (\w+) method ([A-Z ]+)", text)
    }
    if holds["crooked"]:
        return False
    lines = re.findall(r"http-request allow if (.+)", text)
    return any(
        all(holds[rule] for rule in part.split()) for line in lines for part in line.split(" or ")
    )


@pytest.mark.parametrize(("method", "path"), MAY)
def test_the_agent_may_build_and_deploy(method, path):
    assert _allowed(method, path)


@pytest.mark.parametrize(("method", "path"), MAY_NOT)
def test_the_agent_may_not_touch_the_swarm_itself(method, path):
    assert not _allowed(method, path)
