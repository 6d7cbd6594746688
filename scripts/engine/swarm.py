"""What the Swarm says of a stack, as frozen values: services, tasks and nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from scripts.command.outcome import Refused
from scripts.engine.docker import DockerError, docker, docker_json

#: States in which a task ends, each for a reason that is told.
ENDED = ("complete", "failed", "rejected", "shutdown", "orphaned", "remove")


class Task(NamedTuple):
    """One replica, or one that was. `current`: it is as its service is meant to be now."""

    id: str
    service: str
    slot: int
    node: str
    state: str
    wanted: str
    image: str
    since: str
    message: str
    error: str
    exit_code: int
    container: str
    addresses: tuple[str, ...]
    current: bool

    @property
    def up(self) -> bool:
        return self.state == "running" and self.wanted == "running"

    @property
    def broke(self) -> bool:
        return self.state in ("failed", "rejected") or (
            self.state in ("complete", "orphaned") and self.wanted == "running"
        )


class Service(NamedTuple):
    """A service; `replicas` is None for one that runs on every node."""

    id: str
    name: str
    image: str
    replicas: int | None
    version: int
    update: str
    update_started: str
    update_message: str
    labels: Mapping[str, str]


class Node(NamedTuple):
    id: str
    name: str
    address: str
    state: str
    availability: str
    manager: bool


class View(NamedTuple):
    """A stack at one moment."""

    services: tuple[Service, ...]
    tasks: tuple[Task, ...]
    nodes: Mapping[str, Node]

    def of(self, service: Service) -> list[Task]:
        return [task for task in self.tasks if task.service == service.id]

    def named(self, name: str) -> Service | None:
        return next((service for service in self.services if service.name == name), None)


def look(stack: str) -> View:
    ids = docker("service", "ls", "--quiet", "--filter", f"label={_LABEL}={stack}").split()
    found = inspect("service", ids)
    names = {service["ID"]: service["Spec"]["TaskTemplate"] for service in found}
    task_ids = docker("service", "ps", "--quiet", "--no-trunc", *names).split() if names else []
    tasks = tuple(_task(one, names[one["ServiceID"]]) for one in inspect("task", task_ids))
    return View(tuple(map(_service, found)), tasks, nodes())


_LABEL = "com.docker.stack.namespace"


def inspect(kind: str, ids: Iterable[str]) -> list[Any]:
    """What `inspect` tells; what went away since it was listed is left out."""
    wanted = list(ids)
    if not wanted:
        return []
    try:
        return list(docker_json("inspect", "--type", kind, *wanted))
    except DockerError as error:
        gone = re.findall(r"[Nn]o such \w+: (\w+)|\w+ (\w{20,}) not found", error.words)
        lost = {identity for pair in gone for identity in pair if identity}
        if not lost & set(wanted):
            raise
        return inspect(kind, [one for one in wanted if one not in lost])


def nodes() -> dict[str, Node]:
    ids = docker("node", "ls", "--quiet").split()
    return {one["ID"]: _node(one) for one in inspect("node", ids)}


def need_manager() -> None:
    """Refuses where the docker command reaches no manager of a Swarm."""
    state = docker("info", "--format", "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}")
    if state.split() != ["active", "true"]:
        raise Refused(
            "the docker command reaches no manager of a Swarm; set DOCKER_HOST to one, or make up"
        )


def _service(found: Mapping[str, Any]) -> Service:
    spec, update = found["Spec"], found.get("UpdateStatus") or {}
    mode = spec.get("Mode") or {}
    replicated = mode.get("Replicated")
    return Service(
        id=found["ID"],
        name=spec["Name"],
        image=spec["TaskTemplate"]["ContainerSpec"]["Image"],
        replicas=None if replicated is None else int(replicated.get("Replicas", 1)),
        version=found["Version"]["Index"],
        update=update.get("State") or "",
        update_started=update.get("StartedAt") or "",
        update_message=update.get("Message") or "",
        labels=spec.get("Labels") or {},
    )


def _task(found: Mapping[str, Any], template: Mapping[str, Any]) -> Task:
    status, spec = found["Status"], found["Spec"]
    container = status.get("ContainerStatus") or {}
    attachments = found.get("NetworksAttachments") or []
    return Task(
        id=found["ID"],
        service=found["ServiceID"],
        slot=found.get("Slot", 0),
        node=found.get("NodeID", ""),
        state=status["State"],
        wanted=found["DesiredState"],
        image=spec["ContainerSpec"]["Image"],
        since=status["Timestamp"],
        message=status.get("Message") or "",
        error=status.get("Err") or "",
        exit_code=container.get("ExitCode") or 0,
        container=container.get("ContainerID") or "",
        addresses=tuple(
            address.split("/")[0] for one in attachments for address in one.get("Addresses") or []
        ),
        current=_same(spec, template),
    )


def _same(spec: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    """Whether a task is what its service asks for now. What Swarm fills in by itself is left out."""
    return all(
        _bare(spec.get(part)) == _bare(template.get(part))
        for part in ("ContainerSpec", "Resources", "ForceUpdate")
    )


def _bare(found: Any) -> Any:
    """Without what is empty: a service may have an empty object where its tasks have nothing."""
    if not isinstance(found, Mapping):
        return found or None
    kept = {key: _bare(value) for key, value in found.items()}
    return {key: value for key, value in kept.items() if value is not None} or None


def _node(found: Mapping[str, Any]) -> Node:
    return Node(
        id=found["ID"],
        name=found["Description"]["Hostname"],
        address=(found.get("Status") or {}).get("Addr") or "",
        state=found["Status"]["State"],
        availability=found["Spec"]["Availability"],
        manager=bool(found.get("ManagerStatus")),
    )
