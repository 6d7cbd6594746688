"""What came of an event: the figures, kept in build/reports/swarm.json to be quoted, and who answers."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from tests.support import ROOT
from tests.support.swarm.nodes import Node
from tests.support.swarm_stack.callers import Seen
from tests.support.swarm_stack.commands import Outcome
from tests.support.swarm_stack.releases import Release
from tests.support.swarm_stack.stack import Stack

PLACE = ROOT / "build/reports/swarm.json"


def note(
    event: str, seen: Seen | None = None, done: Outcome | None = None, **measured: Any
) -> None:
    """The last figures of an event replace those before."""
    figures = json.loads(PLACE.read_bytes()) if PLACE.exists() else {}
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "cores": os.cpu_count()}
    took = {"seconds": done.seconds} if done else {}
    figures[event] = {**about, **took, **measured, **(seen.summary if seen else {})}
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    PLACE.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def answering(stack: Stack) -> set[str]:
    """The releases that callers meet now."""
    with stack.called() as callers:
        pass
    return set(callers.seen.releases)


def nobody_noticed(seen: Seen) -> bool:
    return not seen.failures


def only_it_failed(seen: Seen, bad: Release) -> bool:
    """Whatever failed was answered by the bad release itself."""
    return all(failure.release == bad.name for failure in seen.failures)


def containers(stack: Stack, service: str) -> list[tuple[Node, str]]:
    """Those that run: node and id."""
    nodes = {node.name: node for node in stack.swarm.nodes}
    return [(nodes[name], container) for name, container in stack.containers(service)]
