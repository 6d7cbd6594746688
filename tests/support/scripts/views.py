"""Stacks as the Swarm would tell of them, for tests of what is concluded."""

from __future__ import annotations

from typing import Any

from scripts.engine.swarm import Node, Service, Task, View
from scripts.ledger.records import Record
from scripts.stack_file.render import StackInputs

GOOD, NEW = "r/model@sha256:" + "a" * 64, "r/model@sha256:" + "b" * 64
NODES = {"n1": Node("n1", "node1", "10.0.0.1", "ready", "active", True)}


def task(identity: str, **facts: Any) -> Task:
    usual: dict[str, Any] = {
        "service": "s1",
        "slot": 1,
        "node": "n1",
        "state": "running",
        "wanted": "running",
        "image": GOOD,
        "since": "2026-01-01T00:00:00Z",
        "message": "started",
        "error": "",
        "exit_code": 0,
        "container": "c",
        "addresses": ("10.1.0.5",),
        "current": True,
    }
    return Task(id=identity, **(usual | facts))


def service(**facts: Any) -> Service:
    usual: dict[str, Any] = {
        "id": "s1",
        "name": "shop_model",
        "image": GOOD,
        "replicas": 1,
        "version": 5,
        "update": "",
        "update_started": "",
        "update_message": "",
        "labels": {},
    }
    return Service(**(usual | facts))


def view(about: Service, *tasks: Task) -> View:
    return View((about,), tasks, NODES)


def record(number: int, release: str, **facts: Any) -> Record:
    image = f"r/model@sha256:{release.encode().hex():0<64}"
    usual: dict[str, Any] = {
        "kind": "deploy",
        "image": image,
        "at": f"2026-01-01T00:00:{number:02}+00:00",
        "by": "ann",
        "why": "",
        "outcome": "verified",
        "reason": "",
        "settings": "",
        "replaced": "",
        "seconds": 1.0,
        "document": {"created": f"2026-01-{number:02}T00:00:00+00:00", "models": {}},
        "golden": {},
        "inputs": StackInputs(
            {}, {"MODEL_IMAGE": image}, {"TRAFFIC_CONFIG": "", "EDGE_CONFIG": ""}
        ),
    }
    return Record(number=number, release=release, **(usual | facts))
