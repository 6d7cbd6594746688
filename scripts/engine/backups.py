"""When a stack was last backed up, as a config in its Swarm, where monitoring/hosts reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scripts.command.outcome import say
from scripts.engine import secrets_and_configs
from scripts.engine.docker import DockerError

NAME = "backup"
#: In Unix seconds.
AT = "swarmline.at"


def note(stack: str, at: float, facts: Mapping[str, Any]) -> None:
    """The newest alone is kept. A backup that could not be noted is a backup all the same."""
    called = f"{stack}_{NAME}"
    try:
        for former in secrets_and_configs.listed("config", stack, NAME):
            secrets_and_configs.remove("config", former.object)
        labels = {AT: f"{at:.0f}"}
        content = json.dumps(facts, sort_keys=True)
        secrets_and_configs.create("config", stack, NAME, content, called, labels)
    except DockerError as error:
        say(f"! the Swarm was not told of this backup: {error}")
