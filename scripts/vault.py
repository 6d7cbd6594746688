"""Docker secrets, and configs of the same kind: named, labelled, never changed.

The newest of a name is the current one. Names end in ten random digits and not in a hash of the content: a secret that
comes back to what it was is a new object, and its name tells nothing of it.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from scripts.docker import docker, docker_json

Kind = Literal["secret", "config"]
STACK, NAME = "swarmline.stack", "swarmline.name"


class Kept(NamedTuple):
    """`content` is empty for secrets: Swarm never gives one back."""

    object: str
    name: str
    created: str
    content: str = ""


def keep(kind: Kind, stack: str, name: str, content: str) -> str:
    """Makes an object with this content, which becomes the current one; returns what it is called."""
    full = f"{stack}_{name}_{secrets.token_hex(5)}"
    labels = ("--label", f"{STACK}={stack}", "--label", f"{NAME}={name}")
    docker(kind, "create", *labels, full, "-", given=content)
    return full


def kept(kind: Kind, stack: str, name: str | None = None) -> list[Kept]:
    """The stack's objects, oldest first."""
    wanted = ["--filter", f"label={STACK}={stack}"]
    if name is not None:
        wanted += ["--filter", f"label={NAME}={name}"]
    ids = docker(kind, "ls", "--quiet", *wanted).split()
    found = [_kept(one) for one in docker_json(kind, "inspect", *ids)] if ids else []
    return sorted((one for one in found if one.name), key=lambda one: (_moment(one), one.object))


def newest(kind: Kind, stack: str, name: str) -> Kept | None:
    found = kept(kind, stack, name)
    return found[-1] if found else None


def discard(kind: Kind, object_name: str) -> None:
    docker(kind, "rm", object_name)


def _moment(one: Kept) -> tuple[str, str]:
    # Docker leaves out the zeros at the end of a fraction of a second.
    seconds, _, fraction = one.created.rstrip("Z").partition(".")
    return seconds, fraction.ljust(9, "0")


def _kept(found: Mapping[str, Any]) -> Kept:
    spec = found["Spec"]
    content = base64.b64decode(spec.get("Data") or "").decode("utf-8", "replace")
    labels = spec.get("Labels") or {}
    return Kept(spec["Name"], labels.get(NAME, ""), found["CreatedAt"], content)
