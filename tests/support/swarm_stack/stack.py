"""A stack in the test Swarm, acted on as people do: by the project's own commands."""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.support import ROOT
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.shell import SwarmError
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.callers import Callers, NextRequest, Request, prediction
from tests.support.swarm_stack.commands import Outcome, Running, run
from tests.support.swarm_stack.releases import MODEL, Release

PORT = 8443
#: Swarm's own pauses, shorter than a user's: they say nothing of what is tested.
QUICK = {
    "MODEL_UPDATE_DELAY": "1s",
    "MODEL_UPDATE_MONITOR": "3s",
    "MODEL_DRAIN_SECONDS": "3",
    "EDGE_UPDATE_ORDER": "stop-first",
    # The judgement of new replicas after they are in; a test about it says how long.
    "WATCH": "3",
}


@dataclass(frozen=True)
class Stack:
    """`settings` are environment variables on top of the Swarm's; `root` is the checkout whose commands act on it."""

    #: Seconds between two requests of a caller.
    pause: ClassVar[float] = 0.0

    swarm: Swarm
    folder: Path
    name: str
    settings: dict[str, str] = field(default_factory=dict)
    root: Path = ROOT

    @property
    def environ(self) -> dict[str, str]:
        mine = {
            "STACK": self.name,
            "EDGE_PORT": str(PORT),
            "SWARMLINE_BUILD": str(self.folder),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db",
        }
        return {**os.environ, **self.swarm.env, **mine, **QUICK, **self.settings}

    def begin(self, name: str, *arguments: str, **environ: str) -> Running:
        """A command that goes on while the test does something."""
        return Running({**self.environ, **environ}, name, *arguments, root=self.root)

    def run(self, name: str, *arguments: str, **environ: str) -> Outcome:
        return run({**self.environ, **environ}, name, *arguments, root=self.root)

    def deploy(self, release: Release, *arguments: str, **environ: str) -> Outcome:
        """Whatever tests before have brought in, or gone back from."""
        usual = ("--json", "--force", "--deadline", "240", "--image", release.image)
        return self.run(
            "deploy", *usual, *arguments, **{"MONITOR_IMAGE": release.monitor, **environ}
        )

    @property
    def key(self) -> str:
        return (self.folder / "secrets/deployer.key").read_text(encoding="ascii").strip()

    def tasks(self, service: str) -> list[dict[str, Any]]:
        """Those that run, as `inspect` shows them."""
        running = ("--filter", "desired-state=running", "--quiet")
        try:
            ids = self.swarm.docker("service", "ps", *running, f"{self.name}_{service}").split()
            tasks = json.loads(self.swarm.docker("inspect", *ids)) if ids else []
        except SwarmError:
            return []
        return [task for task in tasks if task["Status"]["State"] == "running"]

    def nodes_of(self, service: str) -> list[str]:
        return [name for name, _ in self.containers(service)]

    def containers(self, service: str) -> list[tuple[str, str]]:
        """Of tasks that run: the node's name and the container's id, from one look at them."""
        lines = self.swarm.docker("node", "ls", "--format", "{{.ID}} {{.Hostname}}").splitlines()
        names = dict(line.split() for line in lines)
        return [
            (names[task["NodeID"]], task["Status"]["ContainerStatus"]["ContainerID"])
            for task in self.tasks(service)
        ]

    def addresses(self) -> list[str]:
        """All nodes, as a name of the Swarm would have them: those with an edge first."""
        on = set(self.nodes_of("edge"))
        nodes = sorted(self.swarm.nodes, key=lambda node: node.name not in on)
        return [node.address for node in nodes]

    def wait_for_strength(self, service: str, count: int, seconds: float = 90) -> float:
        began = time.monotonic()
        what = f"{count} tasks of {service} run"
        wait_until(lambda: len(self.tasks(service)) == count, what, seconds, 0.5)
        return round(time.monotonic() - began, 1)

    @contextmanager
    def called(self, threads: int = 4, asking: NextRequest | None = None) -> Iterator[Callers]:
        """Callers at work until the block ends; they have begun when it begins."""
        trust = ssl.create_default_context(cafile=str(self.folder / "secrets/edge.crt"))
        trust.check_hostname = False
        request = prediction(MODEL, [{"light": 20.0, "temperature": 21.5, "trays": 4}], self.key)
        port = int(self.environ["EDGE_PORT"])

        def next_request(_: int) -> Request:
            time.sleep(self.pause)
            return request

        with Callers(self.addresses(), port, trust, asking or next_request, threads) as callers:
            wait_until(lambda: callers.seen.requests > 50, "callers are answered", 30)
            yield callers

    def remove(self) -> None:
        self.swarm.docker("stack", "rm", f"{self.name}-monitoring")
        wait_until(lambda: not self._monitoring_networks(), "monitoring has ended", 90, 0.5)
        self.swarm.docker("stack", "rm", self.name)
        for kind in ("secret", "config"):
            mine = ("--filter", f"label=swarmline.stack={self.name}", "--quiet")
            wait_until(lambda: self._gone(kind, mine), f"{kind}s are unused", 90, 0.5)

    def _monitoring_networks(self) -> str:
        label = f"label=com.docker.stack.namespace={self.name}-monitoring"
        return self.swarm.docker("network", "ls", "--quiet", "--filter", label).strip()

    def _gone(self, kind: str, mine: tuple[str, ...]) -> bool:
        ids = self.swarm.docker(kind, "ls", *mine).split()
        try:
            if ids:
                self.swarm.docker(kind, "rm", *ids)
        except SwarmError:
            return False
        return True
