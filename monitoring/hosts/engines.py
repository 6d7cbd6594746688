"""What the engines say of themselves: each is asked at the same time, and one that does not answer hides no other."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

#: Of the API: as old as Engine 20.10, since `one-shot` came with it.
VERSION = "v1.41"
SECONDS = 3.0
AT_ONCE = 8
#: By this label Swarm marks the containers of its tasks.
TASK_NAME = "com.docker.swarm.task.name"

logger = logging.getLogger("swarmline.hosts")


class Unanswered(OSError):
    """An engine did not answer, or not as an engine does."""


class Use(NamedTuple):
    """A container of a task, and what it uses, as the engine says it."""

    container: Mapping[str, Any]
    stats: Mapping[str, Any]


class Node(NamedTuple):
    """One engine's answers. `swarm` has nodes, services and tasks, where the engine is a manager's."""

    name: str
    uses: Sequence[Use]
    swarm: Mapping[str, Any] | None
    backups: Mapping[str, Any]


def look(host: str, port: int, backups: Sequence[str]) -> tuple[list[Node], int]:
    """Every engine that answers, and how many do not; `backups` are the stacks whose last one is looked for."""
    addresses = _addresses(host, port)
    if not addresses:
        return [], 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        nodes = list(pool.map(lambda address: _node(address, port, backups), addresses))
    answered = [node for node in nodes if node is not None]
    return answered, len(nodes) - len(answered)


def _addresses(host: str, port: int) -> list[str]:
    try:
        listed = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        logger.warning("%s has no address: %s", host, error)
        return []
    return sorted({str(entry[4][0]) for entry in listed})


def _node(address: str, port: int, backups: Sequence[str]) -> Node | None:
    engine = Engine(address, port)
    try:
        return engine.node(backups)
    except Unanswered as error:
        logger.warning("the engine at %s: %s", address, error)
        return None


class Engine:
    def __init__(self, address: str, port: int):
        self._address, self._port = address, port

    def node(self, backups: Sequence[str]) -> Node:
        info = self.ask("info")
        filters = json.dumps({"label": [TASK_NAME], "status": ["running"]})
        containers = self.ask("containers/json", filters=filters)
        uses = [Use(container, self._stats(container["Id"])) for container in containers]
        manages = bool(info.get("Swarm", {}).get("ControlAvailable"))
        return Node(
            info["Name"],
            [use for use in uses if use.stats],
            self._swarm() if manages else None,
            {stack: self._backup(stack) for stack in backups} if manages else {},
        )

    def _stats(self, container: str) -> Mapping[str, Any]:
        """Empty for a container that has ended meanwhile."""
        query = {"stream": "false", "one-shot": "true"}
        stats: dict[str, Any] = self.ask(f"containers/{quote(container)}/stats", **query)
        return stats

    def _swarm(self) -> Mapping[str, Any]:
        return {
            "nodes": self.ask("nodes"),
            "services": self.ask("services", status="true"),
            "tasks": self.ask("tasks"),
        }

    def _backup(self, stack: str) -> Mapping[str, Any]:
        """The config in which `make backup` leaves when it was; empty where there is none."""
        config: dict[str, Any] = self.ask(f"configs/{quote(stack)}_backup")
        return config

    def ask(self, path: str, **query: str) -> Any:
        """The answer; empty for what is not there."""
        connection = http.client.HTTPConnection(self._address, self._port, timeout=SECONDS)
        try:
            connection.request("GET", f"/{VERSION}/{path}?{urlencode(query)}")
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(f"no answer to {path}: {error!r}") from error
        finally:
            connection.close()
        if response.status == 404:
            return {}
        if response.status != 200:
            raise Unanswered(f"{response.status} to {path}: {body[:200]!r}")
        try:
            return json.loads(body)
        except ValueError as error:
            raise Unanswered(f"no JSON to {path}") from error
