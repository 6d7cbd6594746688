"""Docker secrets, and configs of the same kind: named, labelled, never changed.

The newest of a name is the current one. Names end in ten random digits and not in a hash of the content: a secret that
comes back to what it was is a new object, and its name tells nothing of it. The first of a secret may have a plain
name, `<stack>-<name>`, which `docker stack deploy` finds; people make those by hand, too, without a label.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from scripts.engine.docker import docker, docker_json

Kind = Literal["secret", "config"]
STACK, NAME = "swarmline.stack", "swarmline.name"
#: The secrets that stack.yml asks for, and the one of stack/tls.yml.
CERTIFICATE = "edge_certificate"
NEEDED = ("keys", "db_password", "journal_url", "journal_key", "edge_key")


class Kept(NamedTuple):
    """`content` is empty for secrets: Swarm never gives one back."""

    object: str
    name: str
    created: str
    content: str = ""


def plain_name(stack: str, name: str) -> str:
    return f"{stack}-{name.replace('_', '-')}"


def keep(kind: Kind, stack: str, name: str, content: str, plain: bool = False) -> str:
    """Makes an object with this content, which becomes the current one; returns what it is called."""
    full = plain_name(stack, name) if plain else f"{stack}_{name}_{secrets.token_hex(5)}"
    labels = ("--label", f"{STACK}={stack}", "--label", f"{NAME}={name}")
    docker(kind, "create", *labels, full, "-", given=content)
    return full


def kept(kind: Kind, stack: str, name: str | None = None) -> list[Kept]:
    """The stack's objects, oldest first."""
    wanted = ["--filter", f"label={STACK}={stack}"]
    if name is not None:
        wanted += ["--filter", f"label={NAME}={name}"]
    ids = docker(kind, "ls", "--quiet", *wanted).split()
    plain = _plain(stack) if kind == "secret" else {}
    ids += [one for one, known in plain.items() if name in (None, known) and one not in ids]
    made = docker_json(kind, "inspect", *ids) if ids else []
    found = [(_kept(one, plain.get(one["ID"], "")), _is_ours(one)) for one in made]
    # What was made by hand counts as long as nothing of ours took its place.
    found.sort(key=lambda pair: (pair[1], _moment(pair[0]), pair[0].object))
    return [one for one, _ in found if one.name]


def unlabelled(stack: str) -> list[str]:
    """The secrets of plain names that were made by hand."""
    ids = list(_plain(stack))
    made = docker_json("secret", "inspect", *ids) if ids else []
    return [str(one["ID"]) for one in made if not _is_ours(one)]


def _is_ours(found: Mapping[str, Any]) -> bool:
    return NAME in (found["Spec"].get("Labels") or {})


def _plain(stack: str) -> dict[str, str]:
    """The secrets of plain names that are there: id to name."""
    names = {plain_name(stack, one): one for one in (*NEEDED, CERTIFICATE)}
    listed = docker("secret", "ls", "--format", "{{.ID}} {{.Name}}", "--filter", f"name={stack}-")
    there = [line.split() for line in listed.splitlines()]
    return {identity: names[full] for identity, full in there if full in names}


def newest(kind: Kind, stack: str, name: str) -> Kept | None:
    found = kept(kind, stack, name)
    return found[-1] if found else None


def discard(kind: Kind, object_name: str) -> None:
    docker(kind, "rm", object_name)


def _moment(one: Kept) -> tuple[str, str]:
    # Docker leaves out the zeros at the end of a fraction of a second.
    seconds, _, fraction = one.created.rstrip("Z").partition(".")
    return seconds, fraction.ljust(9, "0")


def _kept(found: Mapping[str, Any], name: str = "") -> Kept:
    spec = found["Spec"]
    content = base64.b64decode(spec.get("Data") or "").decode("utf-8", "replace")
    labels = spec.get("Labels") or {}
    return Kept(spec["Name"], labels.get(NAME, name), found["CreatedAt"], content)
