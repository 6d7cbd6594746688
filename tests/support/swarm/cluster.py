"""A Swarm of several nodes, brought up and taken down; each has a folder that says whose it is.

Several stand side by side: a number, claimed by its folder, makes bridge, subnet and names. What a process that is
no more had brought up is taken down by the next one that brings up or takes down anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.swarm.engine import alone, docker_config, unpacked, why_not
from tests.support.swarm.images import built
from tests.support.swarm.network import Network
from tests.support.swarm.nodes import Node
from tests.support.swarm.registry import Registry
from tests.support.swarm.shell import Process, SwarmError, remove, run, succeeds

HOME = Path(os.environ.get("SWARM_HOME", "/var/lib/swarmline-tests"))
NUMBERS = range(1, 100)
#: A Swarm of the ordinary tests takes up to 8 GB, and what runs beside it as much.
MUCH_MEMORY = 20 << 30


@dataclass(frozen=True)
class Swarm:
    """`images` are the stand-ins, by the variable that names them to a stack."""

    name: str
    folder: Path
    network: Network
    nodes: tuple[Node, ...]
    registry: Registry
    images: dict[str, str]

    @property
    def manager(self) -> Node:
        return self.nodes[0]

    def docker(self, *arguments: str, stdin: str | None = None, seconds: float = 300) -> str:
        """The docker command, on the manager."""
        return self.manager.docker(*arguments, stdin=stdin, seconds=seconds)

    @property
    def env(self) -> dict[str, str]:
        """The environment in which the project's own commands act on this Swarm."""
        return {
            "DOCKER_HOST": self.manager.socket,
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "DOCKER_BUILDKIT": "1",
            "REGISTRY": self.registry.address,
            **self.images,
            "EDGE_PORT_MODE": "host",
            # Its image takes minutes to build: on in the tests that are about it. Of Grafana there is no stand-in.
            "MONITORING": "off",
            "GRAFANA_REPLICAS": "0",
        }


def up(
    name: str,
    nodes: int = 3,
    *,
    ours: bool,
    in_memory: bool = False,
    tell: Callable[[str], None] = print,
) -> Swarm:
    """`ours` ties it to this process; otherwise it stays until it is taken down by name.

    `in_memory` keeps its disks there if this machine has much of it: on a real disk, the files of images are half of
    what a first deploy computes.
    """
    if reason := why_not():
        raise SwarmError(reason)
    take_down_orphans(tell)
    folder = _claim(name, nodes, in_memory and available_memory() > MUCH_MEMORY)
    try:
        swarm = _load(folder)
        tell(f"swarm {name}: {swarm.network.bridge} in {folder}")
        _bring_up(swarm, tell)
    except BaseException:
        _take_down(folder)
        raise
    if not ours:
        _write(folder, {**_read(folder), "owner": None})
    return _load(folder)


def find(name: str) -> Swarm:
    folder = _folder(name)
    if folder is None:
        there = ", ".join(_read(folder)["name"] for folder in _folders()) or "none"
        raise SwarmError(f"there is no swarm {name!r}; there are: {there}")
    return _load(folder)


def down(name: str, tell: Callable[[str], None] = print) -> None:
    take_down_orphans(tell)
    if folder := _folder(name):
        _take_down(folder)


def take_down_orphans(tell: Callable[[str], None] = print) -> None:
    """What a process that has ended without taking it down has left, and only that."""
    # One at a time: two that remove the same files fail.
    with alone(HOME, "orphans"):
        with alone(HOME, "claims"):
            orphans = [folder for folder in _folders() if _is_orphan(folder)]
        for folder in orphans:
            tell(f"taking down {folder}: who brought it up is gone")
            _take_down(folder)


def _bring_up(swarm: Swarm, tell: Callable[[str], None]) -> None:
    engine = unpacked()
    tell("engine is there; images")
    images = built()
    swarm.network.up()
    docker_config(engine, swarm.folder / "docker")
    swarm.registry.start()
    tell("images are there; nodes")
    hosts = {node.name: node.address for node in swarm.nodes}
    with ThreadPoolExecutor(len(swarm.nodes) + 1) as pool:
        references = pool.submit(lambda: [swarm.registry.push(image) for image in images])
        list(pool.map(lambda node: _start(node, swarm.registry.address, hosts), swarm.nodes))
        names = {
            image.recipe.variable: name
            for image, name in zip(images, references.result(), strict=True)
        }
    _join(swarm)
    _write(swarm.folder, {**_read(swarm.folder), "images": names})


def _start(node: Node, registry: str, hosts: dict[str, str]) -> None:
    node.prepare(registry, hosts)
    node.start()


def _join(swarm: Swarm) -> None:
    swarm.docker("swarm", "init", "--advertise-addr", swarm.manager.address)
    token = swarm.docker("swarm", "join-token", "-q", "worker").strip()
    for node in swarm.nodes[1:]:
        node.docker("swarm", "join", "--token", token, f"{swarm.manager.address}:2377")


def available_memory() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))


def _take_down(folder: Path) -> None:
    if (folder / "swarm.json").exists():
        swarm = _load(folder)
        with ThreadPoolExecutor(len(swarm.nodes)) as pool:
            list(pool.map(Node.remove, swarm.nodes))
        swarm.registry.stop()
        swarm.network.down()
    if folder.is_mount():
        # Emptied first: nodes of a Swarm that came up meanwhile have the mount in a namespace of their own.
        succeeds("find", folder, "-mindepth", "1", "-delete")
        succeeds("umount", "--lazy", folder)
    remove(folder)


def _claim(name: str, nodes: int, in_memory: bool) -> Path:
    with alone(HOME, "claims"):
        if _folder(name):
            raise SwarmError(f"there is a swarm {name!r} already")
        for number in NUMBERS:
            folder = HOME / str(number)
            if not folder.exists() and Network(number).is_free:
                folder.mkdir()
                if in_memory:
                    run("mount", "-t", "tmpfs", "-o", "size=12g", "swarmline-tests", folder)
                me = Process.of(os.getpid())
                owner = [me.pid, me.started]
                _write(folder, {"name": name, "nodes": nodes, "owner": owner, "images": {}})
                return folder
    raise SwarmError(f"no number is free in {HOME}: take some down")


def _folders() -> Iterator[Path]:
    return (folder for folder in sorted(HOME.glob("*")) if folder.name.isdigit())


def _folder(name: str) -> Path | None:
    return next((folder for folder in _folders() if _read(folder).get("name") == name), None)


def _is_orphan(folder: Path) -> bool:
    state = _read(folder)
    return not state or bool(state["owner"] and not Process(*state["owner"]).is_alive)


def _read(folder: Path) -> dict[str, Any]:
    file = folder / "swarm.json"
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return state


def _write(folder: Path, state: dict[str, Any]) -> None:
    new = folder / "swarm.json.new"
    new.write_text(json.dumps(state, indent=1), encoding="utf-8")
    new.rename(folder / "swarm.json")


def _load(folder: Path) -> Swarm:
    state, network = _read(folder), Network(int(folder.name))
    engine = unpacked()
    nodes = tuple(
        Node(
            folder=folder / str(number),
            engine=engine,
            name=f"node{number}",
            address=network.address(number),
            cable=network.cable(number),
            bridge=network.bridge,
            gateway=network.gateway,
        )
        for number in range(1, state["nodes"] + 1)
    )
    registry = Registry(folder / "registry", network.gateway)
    return Swarm(state["name"], folder, network, nodes, registry, state["images"])
