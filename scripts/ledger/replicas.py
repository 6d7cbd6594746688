"""How many replicas of the model service somebody has set, whatever the stack's settings say, until it is unset.

Kept in the Swarm as a config of its own, `<stack>_scale_<random digits>`. It outlasts the services, which each deploy
labels anew, a rollback to a release that knows nothing of it, the records that `make prune` forgets, and a stack that
is taken down; only `make down VOLUMES=1` removes it too.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from scripts.engine import secrets_and_configs
from scripts.stack_file.render import MAIN, StackInputs

NAME = "scale"
#: The kind of an entry of the ledger.
KIND = "scale"
SERVICE, SETTING = "model", "MODEL_REPLICAS"


class SetReplicas(NamedTuple):
    """The number, and who set it when and why."""

    replicas: int
    by: str
    at: str
    why: str

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"{self.replicas}, set by {self.by} at {self.at[:16].replace('T', ' ')} UTC{why}"


def service_of(stack: str) -> str:
    return f"{stack}_{SERVICE}"


def set_replicas(stack: str) -> SetReplicas | None:
    """What counts now; None where the settings of the stack do."""
    newest = secrets_and_configs.newest("config", stack, NAME)
    return None if newest is None else SetReplicas(**json.loads(newest.content))


def replace(stack: str, chosen: SetReplicas | None) -> None:
    """Keeps this number and none from before; without one, the settings of the stack count again.

    The new one is there before the old ones go: whoever is killed between leaves one of the two.
    """
    before = secrets_and_configs.listed("config", stack, NAME)
    if chosen is not None:
        secrets_and_configs.create("config", stack, NAME, json.dumps(chosen._asdict()))
    for config in before:
        secrets_and_configs.remove("config", config.id)


def number_of(inputs: StackInputs | None) -> int | None:
    """What the settings of the stack say, or its file where they say nothing; None where neither is known."""
    if inputs is None:
        return None
    text = inputs.variables.get(SETTING) or next(
        iter(re.findall(rf"\$\{{{SETTING}:-(\d+)\}}", inputs.files.get(MAIN, ""))), ""
    )
    return int(text) if text else None
