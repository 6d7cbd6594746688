"""The exporter of hosts on a real Swarm: engines behind their proxies, tasks, restarts, a lost node, a backup."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from monitoring.hosts import engines
from monitoring.hosts.serve import Exporter
from monitoring.hosts.settings import read_settings
from tests.support.engine_answers import proxied
from tests.support.machine import free_port
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until

pytestmark = pytest.mark.slow
NAME = "watched"
LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


class Hosts:
    """What the exporter tells, by name and the labels that a test asks for."""

    def __init__(self, exporter: Exporter):
        self._exporter = exporter

    def told(self, name: str, *labels: str, **where: str) -> dict[tuple[str, ...], float]:
        # Each look is a new one.
        self._exporter._moment = float("-inf")
        numbers = {}
        for line in self._exporter.text().decode().splitlines():
            parts = LINE.match(line)
            if not parts or parts[1] != name:
                continue
            of = dict(re.findall(r'(\w+)="([^"]*)"', parts[2] or ""))
            if all(of[label] == value for label, value in where.items()):
                numbers[tuple(of[label] for label in labels)] = float(parts[3])
        return numbers


@pytest.fixture(name="hosts")
def _hosts(swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    port = free_port()
    addresses = [f"127.0.0.{number + 2}" for number, _ in enumerate(swarm.nodes)]
    monkeypatch.setattr(engines, "_addresses", lambda *_: addresses)
    with ExitStack() as stack:
        for node, address in zip(swarm.nodes, addresses, strict=True):
            place = tmp_path / address
            place.mkdir()
            socket = node.socket.removeprefix("unix://")
            stack.enter_context(proxied(place, socket, address, port))
        settings = read_settings({"ENGINES": f"engine.test:{port}", "STACK": "shop"})
        yield Hosts(Exporter(settings))


@pytest.fixture(name="service")
def _service(swarm: Swarm) -> Iterator[str]:
    """A task on each node."""
    command = ("sh", "-c", "trap exit TERM; while :; do sleep 0.2; done")
    limits = ("--limit-memory", "64M", "--limit-cpu", "0.5", "--restart-delay", "1s")
    spread = ("--replicas", "3", "--replicas-max-per-node", "1", "--endpoint-mode", "dnsrr")
    image = swarm.images["EDGE_IMAGE"]
    swarm.docker("service", "create", "--detach", "--name", NAME, *spread, *limits, image, *command)
    try:
        yield NAME
    finally:
        swarm.docker("service", "rm", NAME)


def test_tasks_nodes_restarts_and_backups_of_a_real_swarm_are_told(
    swarm: Swarm, hosts: Hosts, service: str
) -> None:
    nodes = {("node1",), ("node2",), ("node3",)}
    wait_until(
        lambda: hosts.told("swarmline_task_memory_bytes", "node", service=service).keys() == nodes,
        "a task on each node is told",
        90,
        1,
    )
    assert set(
        hosts.told("swarmline_task_memory_limit_bytes", "node", service=service).values()
    ) == {64 << 20}
    assert set(hosts.told("swarmline_task_cpu_limit_cores", "node", service=service).values()) == {
        0.5
    }
    assert all(hosts.told("swarmline_task_cpu_seconds_total", "node", service=service).values())
    assert hosts.told("swarmline_node_ready", "node") == dict.fromkeys(nodes, 1)
    assert hosts.told("swarmline_node_manager", "node") == {("node1",): 1}
    assert hosts.told("swarmline_engines_failed") == {(): 0}
    assert hosts.told("swarmline_service_tasks_running", service=service) == {(): 3}
    _one_task_dies_and_is_counted(swarm, hosts, service)
    _a_backup_is_told(swarm, hosts)
    _a_lost_node_is_told(swarm, hosts, service)


def _one_task_dies_and_is_counted(swarm: Swarm, hosts: Hosts, service: str) -> None:
    def restarts() -> float:
        return hosts.told("swarmline_task_restarts_total", service=service, node="node2")[()]

    before = restarts()
    node = swarm.nodes[1]
    ours = ("--quiet", "--filter", f"label=com.docker.swarm.service.name={service}")
    node.docker("kill", *node.docker("ps", *ours).split())
    wait_until(lambda: restarts() == before + 1, "the restart is counted", 60, 1)
    wait_until(
        lambda: hosts.told("swarmline_service_tasks_running", service=service) == {(): 3},
        "it runs again",
        60,
        1,
    )
    assert restarts() == before + 1


def _a_backup_is_told(swarm: Swarm, hosts: Hosts) -> None:
    assert hosts.told("swarmline_backup_timestamp_seconds") == {(): 0}
    moment = str(int(time.time()))
    labels = ("--label", f"swarmline.at={moment}")
    swarm.docker("config", "create", *labels, "shop_backup", "-", stdin="{}")
    try:
        assert hosts.told("swarmline_backup_timestamp_seconds") == {(): float(moment)}
    finally:
        swarm.docker("config", "rm", "shop_backup")


def _a_lost_node_is_told(swarm: Swarm, hosts: Hosts, service: str) -> None:
    node = swarm.nodes[2]
    node.cut_off()
    try:
        wait_until(
            lambda: hosts.told("swarmline_node_ready", "node")["node3",] == 0, "it is told", 90, 1
        )
        wait_until(
            lambda: hosts.told("swarmline_service_tasks_running", service=service) == {(): 2},
            "its task is missed",
            60,
            1,
        )
    finally:
        node.reconnect()
    wait_until(
        lambda: hosts.told("swarmline_node_ready", "node")["node3",] == 1, "it is back", 90, 1
    )
