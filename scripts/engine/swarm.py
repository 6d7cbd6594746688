"""What the Swarm says of a stack, as frozen values: services, tasks and nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from scripts.command.outcome import Refused
from scripts.engine.docker import DockerError, docker, docker_json

LABEL = "com.docker.stack.namespace"


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


def of_stack(stack: str) -> str:
    """The filter for what `docker stack deploy` made for a stack."""
    return f"label={LABEL}={stack}"


def look(stack: str) -> View:
    ids = docker("service", "ls", "--quiet", "--filter", of_stack(stack)).split()
    services = inspect("service", ids)
    templates = {facts["ID"]: facts["Spec"]["TaskTemplate"] for facts in services}
    flags = ("service", "ps", "--quiet", "--no-trunc")
    task_ids = docker(*flags, *templates).split() if templates else []
    tasks = tuple(
        _task(facts, templates[facts["ServiceID"]]) for facts in inspect("task", task_ids)
    )
    return View(tuple(map(_service, services)), tasks, nodes())


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
        return inspect(kind, [identity for identity in wanted if identity not in lost])


def nodes() -> dict[str, Node]:
    ids = docker("node", "ls", "--quiet").split()
    return {facts["ID"]: _node(facts) for facts in inspect("node", ids)}


def need_manager() -> None:
    """Refuses where the docker command reaches no manager of a Swarm."""
    state = docker("info", "--format", "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}")
    if state.split() != ["active", "true"]:
        raise Refused(
            "the docker command reaches no manager of a Swarm; set DOCKER_HOST to one, or make up"
        )


def _service(facts: Mapping[str, Any]) -> Service:
    spec, update = facts["Spec"], facts.get("UpdateStatus") or {}
    mode = spec.get("Mode") or {}
    replicated = mode.get("Replicated")
    return Service(
        id=facts["ID"],
        name=spec["Name"],
        image=spec["TaskTemplate"]["ContainerSpec"]["Image"],
        replicas=None if replicated is None else int(replicated.get("Replicas", 1)),
        version=facts["Version"]["Index"],
        update=update.get("State") or "",
        update_started=update.get("StartedAt") or "",
        update_message=update.get("Message") or "",
        labels=spec.get("Labels") or {},
    )


def _task(facts: Mapping[str, Any], template: Mapping[str, Any]) -> Task:
    status, spec = facts["Status"], facts["Spec"]
    container = status.get("ContainerStatus") or {}
    attachments = facts.get("NetworksAttachments") or []
    return Task(
        id=facts["ID"],
        service=facts["ServiceID"],
        slot=facts.get("Slot", 0),
        node=facts.get("NodeID", ""),
        state=status["State"],
        wanted=facts["DesiredState"],
        image=spec["ContainerSpec"]["Image"],
        since=status["Timestamp"],
        message=status.get("Message") or "",
        error=status.get("Err") or "",
        exit_code=container.get("ExitCode") or 0,
        container=container.get("ContainerID") or "",
        addresses=tuple(
            address.split("/")[0]
            for attachment in attachments
            for address in attachment.get("Addresses") or []
        ),
        current=_same(spec, template),
    )


def _same(spec: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    """Whether a task is what its service asks for now. What Swarm fills in by itself is left out."""
    return all(
        _bare(spec.get(part)) == _bare(template.get(part))
        for part in ("ContainerSpec", "Resources", "ForceUpdate")
    )


def _bare(value: Any) -> Any:
    """Without what is empty: a service may have an empty object where its tasks have nothing."""
    if not isinstance(value, Mapping):
        return value or None
    parts = {key: _bare(part) for key, part in value.items()}
    return {key: part for key, part in parts.items() if part is not None} or None


def _node(facts: Mapping[str, Any]) -> Node:
    return Node(
        id=facts["ID"],
        name=facts["Description"]["Hostname"],
        address=(facts.get("Status") or {}).get("Addr") or "",
        state=facts["Status"]["State"],
        availability=facts["Spec"]["Availability"],
        manager=bool(facts.get("ManagerStatus")),
    )
