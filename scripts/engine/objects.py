"""Docker configs as the project uses them: named, labelled, never changed.

Swarm allows no change of a config's content. So those of a stack are named by their content, `<stack>_<name>_<hash>`:
another content is another object, and the same content needs no restart.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from scripts.engine.docker import DockerError, docker, docker_json

STACK, NAME = "swarmline.stack", "swarmline.name"
#: Swarm's own bound on a config is 1000 KiB; older engines take half of that.
LIMIT = 500 * 1024


class Config(NamedTuple):
    """A config as the Swarm holds it."""

    id: str
    name: str
    labels: Mapping[str, str]
    created: str
    content: str


class Taken(DockerError):
    """A config of this name exists already."""


def content_name(stack: str, name: str, content: str) -> str:
    return f"{stack}_{name}_{hashlib.sha256(content.encode()).hexdigest()[:10]}"


def create(name: str, content: str, labels: Mapping[str, str]) -> None:
    """Makes a config. Names are unique in a Swarm, so of two that create one name, one is refused."""
    flags = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    try:
        docker("config", "create", *flags, name, "-", given=content)
    except DockerError as error:
        if "already exists" in error.words or "name conflicts" in error.words:
            raise Taken(("config", "create", name), error.words) from error
        raise


def keep_content(stack: str, name: str, content: str) -> str:
    """The name of the config with this content, which is made where it lacks."""
    full = content_name(stack, name, content)
    try:
        create(full, content, {STACK: stack, NAME: name})
    except Taken:
        pass  # the same name is the same content
    return full


def configs(stack: str, name: str | None = None) -> list[Config]:
    """The stack's configs, with their content."""
    wanted = ["--filter", f"label={STACK}={stack}"]
    if name is not None:
        wanted += ["--filter", f"label={NAME}={name}"]
    ids = docker("config", "ls", "--quiet", *wanted).split()
    return [_config(one) for one in docker_json("config", "inspect", *ids)] if ids else []


def remove(identity: str) -> bool:
    """Whether it was there to be removed, and not in use."""
    try:
        docker("config", "rm", identity)
    except DockerError:
        return False
    return True


def _config(found: Mapping[str, Any]) -> Config:
    spec = found["Spec"]
    content = base64.b64decode(spec.get("Data") or "").decode("utf-8", "replace")
    return Config(found["ID"], spec["Name"], spec.get("Labels") or {}, found["CreatedAt"], content)
