"""Every call of docker has the certificates and the login that Jenkins binds; none is without an end."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.command.outcome import Late, Refused
from scripts.engine import container, images, job, login
from scripts.engine.docker import DockerError, docker, docker_stream, last_lines
from scripts.platform_stack import backup
from tests.support.scripts.swarm_in_a_file import SwarmInAFile

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(autouse=True)
def _bound(swarm: SwarmInAFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials as Jenkins binds them."""
    with zipfile.ZipFile(tmp_path / "client.zip", "w") as archive:
        for name in login.CERTIFICATES:
            archive.writestr(name, "a certificate")
    certificates = {"DOCKER_CLIENT": str(tmp_path / "client.zip"), "REGISTRY": "house:5000"}
    user = {"REGISTRY_LOGIN_USR": "me", "REGISTRY_LOGIN_PSW": "secret"}
    for name, value in {**certificates, **user}.items():
        monkeypatch.setenv(name, value)
    login.environment.cache_clear()
    yield
    login.environment.cache_clear()


def save_platform(folder: Path) -> None:
    backup.backup("shop", folder, 60)


def restore_platform(folder: Path) -> None:
    save_platform(folder)
    (saved,) = folder.iterdir()
    backup.restore("shop", saved, 60)


def work(folder: Path) -> None:
    folder.mkdir()
    with (folder / "out").open("wb") as out:
        container.run("db", "true", (), (b"in",), out, 60)


CALLS: dict[str, Callable[[Path], object]] = {
    "a question": lambda folder: docker("info", "--format", "{{.ID}}"),
    "a build": lambda folder: images.build(folder, "shop:1", {}, {}, seconds=60),
    "a push": lambda folder: images.push("shop:1", "house:5000/shop", 60),
    "a container": work,
    "a backup of the platform": save_platform,
    "a restore of the platform": restore_platform,
    "a job": lambda folder: job.run("shop", "rotate", "db", "true", {}, 60),
    "last lines": lambda folder: last_lines("shop_model", 3),
}


@pytest.mark.parametrize("act", CALLS.values(), ids=CALLS)
def test_every_kind_of_call_has_them(
    swarm: SwarmInAFile, tmp_path: Path, act: Callable[[Path], object]
):
    act(tmp_path / "backups")
    calls = swarm.calls()
    assert calls
    assert not [
        call["words"]
        for call in calls
        if call["environ"].keys() != {"DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_CONFIG"}
    ]


def test_no_other_module_starts_docker():
    starts = re.compile(r"""which\(["']docker|\[["']docker["']""")
    files = {file.name for file in SCRIPTS.rglob("*.py") if starts.search(file.read_text())}
    assert files == {"docker.py"}


def test_what_goes_in_comes_to_the_command(swarm: SwarmInAFile):
    docker_stream("run", "-i", stdin=(b"first ", io.BytesIO(b"second")), seconds=60)
    assert swarm.calls("run")[0]["given"] == "first second"


def test_a_stream_that_fails_says_the_command_s_last_words(swarm: SwarmInAFile):
    swarm.fault("exec", words="one\ntwo\nthree\nfour")
    with pytest.raises(DockerError, match="`docker exec db` failed: two three four"):
        docker_stream("exec", "db", seconds=60)


def test_work_in_a_container_that_fails_says_why(swarm: SwarmInAFile, tmp_path: Path):
    swarm.fault("run", words="no space left")
    with (tmp_path / "out").open("wb") as out:
        with pytest.raises(Refused, match="the work failed: no space left"):
            container.run("db", "true", (), (), out, 60)


def test_a_stream_without_an_end_is_ended_and_its_container_removed(
    swarm: SwarmInAFile, tmp_path: Path
):
    swarm.fault("run", hangs=True)
    with (tmp_path / "out").open("wb") as out:
        with pytest.raises(Late, match="did not end within 2 s; give more with --deadline"):
            container.run("db", "true", (), (), out, 2.0)
    (run,), (removed,) = swarm.calls("run"), swarm.calls("rm", "--force")
    assert removed["words"][-1] == run["words"][4]


def test_logs_that_no_node_sends_are_not_waited_for(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("scripts.engine.docker.LOG_SECONDS", 0.5)
    swarm.fault("service logs", hangs=True)
    with pytest.raises(DockerError, match="no answer within 0.5 s"):
        last_lines("shop_model", 3)


def test_a_job_whose_logs_do_not_come_ends_with_its_deadline(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("scripts.engine.job.LOG_SECONDS", 0.5)
    swarm.fault("service logs", hangs=True)
    with pytest.raises(DockerError, match="no answer within"):
        job.ask("shop", "trace", "db", "true", {}, 3.0)
    assert swarm.calls("service", "rm")


def test_a_job_of_which_nobody_reads_what_it_printed_needs_no_logs(swarm: SwarmInAFile):
    swarm.fault("service logs", words="incomplete log stream: node node1 is not available")
    job.run("shop", "role", "db", "true", {}, 3.0)
    assert not swarm.calls("service", "logs")


def test_what_a_job_printed_on_a_node_whose_logs_docker_lost_is_asked_of_another(
    swarm: SwarmInAFile,
):
    swarm.change("node", node2={})
    swarm.fault("service logs", words="incomplete log stream: node node1 is not available")
    assert job.ask("shop", "trace", "db", "true", {}, 9.0).strip() == "its last words"
    first, second = (call["words"] for call in swarm.calls("service", "create"))
    assert "--constraint=node.id!=node1" in second and "--constraint=node.id!=node1" not in first
    assert len(swarm.calls("service", "rm")) == 2


def test_where_docker_hands_on_no_node_s_logs_that_is_said(swarm: SwarmInAFile):
    swarm.fault("service logs", words="incomplete log stream: node node1 is not available")
    with pytest.raises(DockerError, match="node node1 is not available"):
        job.ask("shop", "trace", "db", "true", {}, 9.0)
    assert len(swarm.calls("service", "create")) == 1
