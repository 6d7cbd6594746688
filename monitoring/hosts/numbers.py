"""The engines' answers as numbers for Prometheus: pure, but for the counter of restarts, which remembers tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from monitoring.hosts.engines import TASK_NAME, Node, Use

SERVICE_NAME = "com.docker.swarm.service.name"
#: How a task ends that Swarm starts again; one that an update takes away is `shutdown`.
BROKEN = {"failed", "rejected", "complete"}
#: The label of the config that `make backup` leaves, in Unix seconds (scripts/engine/backups.py).
BACKUP_AT = "swarmline.at"


class Number(NamedTuple):
    name: str
    labels: Mapping[str, str]
    value: float


MEANINGS = {
    "swarmline_task_cpu_seconds_total": "CPU that the task's container has used.",
    "swarmline_task_cpu_limit_cores": "Cores that the task may use.",
    "swarmline_task_cpu_throttled_seconds_total": "Time for which the task was held at its CPU limit.",
    "swarmline_task_memory_bytes": "Memory that the task uses, without file cache that can be given back.",
    "swarmline_task_memory_limit_bytes": "Memory at which the task is killed.",
    "swarmline_task_info": "Where the task runs, by each of its addresses.",
    "swarmline_task_restarts_total": "Tasks that ended by themselves and were started again.",
    "swarmline_service_tasks_desired": "Tasks that the service should have.",
    "swarmline_service_tasks_running": "Tasks of the service that run.",
    "swarmline_node_ready": "1 where the Swarm reaches the node.",
    "swarmline_node_manager": "Of managers: 1 where the others reach it.",
    "swarmline_engines_failed": "Engines that did not answer.",
    "swarmline_backup_timestamp_seconds": "When the last backup was begun; 0 for never.",
    "swarmline_certificate_expiry_timestamp_seconds": "When the certificate that is shown ends.",
    "swarmline_site_up": "1 where it answers.",
}


def numbers(nodes: Sequence[Node], failed: int, restarts: Restarts) -> Iterator[Number]:
    """Of the whole Swarm. Managers say the same of it, so the first is heard."""
    yield Number("swarmline_engines_failed", {}, failed)
    swarm = next((node.swarm for node in nodes if node.swarm is not None), None)
    limits = _cpu_limits(swarm["tasks"]) if swarm else {}
    for node in nodes:
        for use in node.uses:
            yield from _of_task(node.name, use, limits)
    if swarm:
        names = _names(swarm["nodes"])
        yield from _of_nodes(swarm["nodes"])
        yield from _of_services(swarm)
        yield from _addresses(swarm, names)
        yield from restarts.count(swarm, names)
    backups = next((node.backups for node in nodes if node.swarm is not None), {})
    for stack, config in backups.items():
        labels = (config.get("Spec") or {}).get("Labels") or {}
        moment = labels.get(BACKUP_AT, "")
        value = float(moment) if moment.isdigit() else 0.0
        yield Number("swarmline_backup_timestamp_seconds", {"stack": stack}, value)


def _of_task(node: str, use: Use, limits: Mapping[str, float]) -> Iterator[Number]:
    labels = use.container["Labels"]
    task = labels[TASK_NAME]
    of = {"node": node, "service": labels.get(SERVICE_NAME, ""), "task": task}
    cpu, memory = use.stats.get("cpu_stats", {}), use.stats.get("memory_stats", {})
    used = cpu.get("cpu_usage", {}).get("total_usage", 0)
    throttled = cpu.get("throttling_data", {}).get("throttled_time", 0)
    yield Number("swarmline_task_cpu_seconds_total", of, used / 1e9)
    yield Number("swarmline_task_cpu_throttled_seconds_total", of, throttled / 1e9)
    identity = task.rpartition(".")[2]
    if identity in limits:
        yield Number("swarmline_task_cpu_limit_cores", of, limits[identity])
    if "usage" in memory:
        yield Number("swarmline_task_memory_bytes", of, _used_memory(memory))
        yield Number("swarmline_task_memory_limit_bytes", of, memory.get("limit", 0))


def _used_memory(memory: Mapping[str, Any]) -> float:
    """As `docker stats` has it: cgroup version 1 has another name for the cache."""
    parts = memory.get("stats", {})
    cache = parts.get("total_inactive_file", parts.get("inactive_file", 0))
    return float(memory["usage"] - min(cache, memory["usage"]))


def _task_name(task: Mapping[str, Any], service: str) -> str:
    """As the engine labels its container: a task of a service of every node has its node for a slot."""
    return f"{service}.{task.get('Slot') or task['NodeID']}.{task['ID']}"


def _cpu_limits(tasks: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """By the tasks' ids."""
    limits = {}
    for task in tasks:
        cores = (task["Spec"].get("Resources") or {}).get("Limits", {}).get("NanoCPUs")
        if cores:
            limits[task["ID"]] = cores / 1e9
    return limits


def _names(nodes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {node["ID"]: node["Description"]["Hostname"] for node in nodes}


def _of_nodes(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Number]:
    """A node that left and came back is listed twice under its name, and is there."""
    ready: dict[str, bool] = {}
    managers: dict[str, bool] = {}
    for node in nodes:
        name = node["Description"]["Hostname"]
        ready[name] = ready.get(name, False) or node["Status"]["State"] == "ready"
        if manager := node.get("ManagerStatus"):
            reached = manager.get("Reachability") == "reachable"
            managers[name] = managers.get(name, False) or reached
    for name, is_ready in ready.items():
        yield Number("swarmline_node_ready", {"node": name}, is_ready)
    for name, is_reached in managers.items():
        yield Number("swarmline_node_manager", {"node": name}, is_reached)


def _of_services(swarm: Mapping[str, Any]) -> Iterator[Number]:
    """Not of jobs, whose tasks are meant to end."""
    running = _running(swarm)
    for service in _lasting(swarm):
        labels, status = {"service": service["Spec"]["Name"]}, service["ServiceStatus"]
        yield Number("swarmline_service_tasks_desired", labels, status["DesiredTasks"])
        yield Number("swarmline_service_tasks_running", labels, running[service["ID"]])


def _lasting(swarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The services that are no jobs."""
    return [
        service
        for service in swarm["services"]
        if service["Spec"]["Mode"].keys() & {"Replicated", "Global"}
    ]


def _running(swarm: Mapping[str, Any]) -> Counter[str]:
    """By the services' ids. Swarm's own count has tasks of lost nodes, of which it hears nothing any more."""
    ready = {node["ID"] for node in swarm["nodes"] if node["Status"]["State"] == "ready"}
    return Counter(
        task["ServiceID"]
        for task in swarm["tasks"]
        if task["Status"]["State"] == task["DesiredState"] == "running"
        and task.get("NodeID") in ready
    )


def _service_names(swarm: Mapping[str, Any]) -> dict[str, str]:
    return {service["ID"]: service["Spec"]["Name"] for service in swarm["services"]}


def _addresses(swarm: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Number]:
    """One a task and network: by it an alert about an address finds node and service."""
    services = _service_names(swarm)
    for task in swarm["tasks"]:
        if task["Status"]["State"] != "running" or task["DesiredState"] != "running":
            continue
        service = services.get(task["ServiceID"], "")
        of = {
            "node": names.get(task.get("NodeID", ""), ""),
            "service": service,
            "task": _task_name(task, service),
        }
        for network in task.get("NetworksAttachments") or ():
            for address in network.get("Addresses") or ():
                yield Number("swarmline_task_info", {**of, "address": address.partition("/")[0]}, 1)


class Restarts:
    """Counts from its own start on: what lay there before would look like restarts of now."""

    def __init__(self) -> None:
        self._seen: set[str] | None = None
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, swarm: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Number]:
        # Jobs are made for once: their tasks are meant to end.
        services = {service["ID"]: service["Spec"]["Name"] for service in _lasting(swarm)}
        broken = {
            task["ID"]: (names.get(task.get("NodeID", ""), ""), services[task["ServiceID"]])
            for task in swarm["tasks"]
            if task["Status"]["State"] in BROKEN and task["ServiceID"] in services
        }
        for identity, place in broken.items():
            if self._seen is not None and identity not in self._seen:
                self._counts[place] += 1
        # Swarm forgets old tasks, and so does this.
        self._seen = set(broken)
        # Of all that could fail there is a 0, or the first failure would begin a counter instead of raising one; of
        # what is there no more there is nothing, or there would be more and more.
        for place in [place for place in self._counts if place[1] not in services.values()]:
            del self._counts[place]
        self._counts.update(dict.fromkeys(product(set(names.values()), services.values()), 0))
        for (node, service), count in sorted(self._counts.items()):
            labels = {"node": node, "service": service}
            yield Number("swarmline_task_restarts_total", labels, count)
