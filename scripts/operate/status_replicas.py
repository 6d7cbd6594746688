"""How many replicas of the model service the settings say, how many `make scale` has set, and how many run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scripts.engine.swarm import View
from scripts.ledger import replicas
from scripts.stack_file.render import StackInputs


def gather(stack: str, view: View, inputs: StackInputs | None) -> dict[str, Any]:
    """Nothing where the service does not run; `settings` and `set` are None where nothing is known or set."""
    service, chosen = view.named(replicas.service_of(stack)), replicas.set_replicas(stack)
    return {
        "service": service.name if service else "",
        "settings": replicas.number_of(inputs),
        "set": chosen._asdict() if chosen else None,
        "wanted": service.replicas if service else None,
        "running": sum(task.up for task in view.of(service)) if service else 0,
    }


def sentence(facts: dict[str, Any]) -> str:
    """Both numbers, where somebody has set one."""
    if facts["set"] is None:
        return ""
    chosen, own = replicas.SetReplicas(**facts["set"]), facts["settings"]
    settings = "settings that nobody knows" if own is None else f"the settings say {own}"
    return f"replicas of {replicas.SERVICE}: {chosen}; {settings}; {facts['running']} run"


def warnings(facts: dict[str, Any]) -> Iterator[str]:
    chosen, wanted = facts["set"], facts["wanted"]
    if chosen and wanted is not None and chosen["replicas"] != wanted:
        yield (
            f"{facts['service']} is to have {wanted} replicas, and {chosen['replicas']} are set: `make deploy` brings"
            " them back, `make scale UNSET=1` leaves it to the settings"
        )
