"""What the containers may do, and where no secret may be read: asked of those that run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.support.swarm.engine import docker_command
from tests.support.swarm.nodes import Node
from tests.support.swarm.shell import SwarmError
from tests.support.swarm_stack.events import containers
from tests.support.swarm_stack.rights import capabilities, processes
from tests.support.swarm_stack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
SERVICES = ("edge", "model", "db")


@pytest.mark.parametrize("service", SERVICES)
def test_no_process_is_root_or_has_a_capability(stack: Stack, service: str):
    node, container = containers(stack, service)[0]
    running = processes(node, container)
    users = {user for each in running for user in each["Uid"].split()}
    assert "0" not in users
    assert capabilities(running) == {0}
    # What the container runs, unlike this look into it, gains nothing by any program.
    assert "1" in {each["NoNewPrivs"] for each in running}


@pytest.mark.parametrize("service", SERVICES)
def test_the_root_is_read_only(stack: Stack, service: str):
    node, container = containers(stack, service)[0]
    with pytest.raises(SwarmError, match="Read-only file system"):
        node.docker("exec", container, "sh", "-c", "echo >/written")


@pytest.fixture(name="secrets", scope="module")
def _secrets(stack: Stack) -> list[str]:
    """All that is secret, as containers and people have it."""
    texts = [file.read_text().strip() for file in (stack.folder / "secrets").glob("*.key")]
    for service in SERVICES:
        node, container = containers(stack, service)[0]
        listed = node.docker("exec", container, "sh", "-c", "ls /run/secrets").split()
        texts += [node.docker("exec", container, "cat", f"/run/secrets/{name}") for name in listed]
    words = [word.strip() for text in texts for word in text.replace("@", ":").split(":")]
    return [word for word in words if len(word) >= 20 and not word.startswith("//db")]


def test_no_secret_is_told_by_docker(stack: Stack, secrets: list[str]):
    assert secrets
    text = "".join(listings(stack))
    assert not [secret[:4] for secret in secrets if secret in text]


def listings(stack: Stack) -> Iterator[str]:
    for service in SERVICES:
        name = f"{stack.name}_{service}"
        yield stack.swarm.docker("service", "inspect", name)
        for node, container in containers(stack, service):
            yield node.logs(container)
            yield node.docker("inspect", container)
            yield node.docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/environ; true")


def test_no_secret_is_in_an_image(stack: Stack, secrets: list[str]):
    for service in SERVICES:
        image = stack.tasks(service)[0]["Spec"]["ContainerSpec"]["Image"]
        assert not list(within(stack.swarm.manager, image, secrets))


def within(node: Node, image: str, secrets: list[str]) -> Iterator[str]:
    """The image's layers as they are stored: uncompressed."""
    node.docker("pull", "--quiet", image)
    command = [docker_command(node.engine), "-H", node.socket, "save", image]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        rest = b""
        while chunk := process.stdout.read(1 << 22):
            text = rest + chunk
            yield from (secret[:4] for secret in secrets if secret.encode() in text)
            rest = text[-200:]
    assert process.returncode == 0
