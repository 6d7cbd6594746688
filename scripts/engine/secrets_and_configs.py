"""Docker secrets and configs of a stack: named, labelled, never changed, for Swarm allows no change of their content.

Two rules name them. A config of the stack's files is `<stack>_<name>_<hash of its content>`: the same content is the
same object and needs no restart. A secret, and a config that goes with it, ends in ten random digits: a secret that
comes back to what it was is a new object, its name tells nothing of it, and the newest of a name is the current one.
The first of a secret may have a plain name, `<stack>-<name>`, which `docker stack deploy` finds; people make those by
hand, too, without a label.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from scripts.engine.docker import DockerError, docker, docker_json

Kind = Literal["secret", "config"]
STACK, NAME = "swarmline.stack", "swarmline.name"
#: Swarm's own bound on a config is 1000 KiB; older engines take half of that.
LIMIT = 500 * 1024
#: The secrets that stack.yml asks for, the one of stack/tls.yml, and what stack/monitoring.yml asks for besides.
CERTIFICATE = "edge_certificate"
NEEDED = ("keys", "db_password", "journal_url", "journal_key", "edge_key", "retrain_token")
MONITORING = (
    *("monitor_url", "monitor_mlflow_password", "elastic_key", "grafana_password"),
    *("alert_mail_password", "alert_webhook", "retrain_webhook_token"),
)
NAMES = (*NEEDED, CERTIFICATE, *MONITORING)
#: Each variable of the stack files, and the secret whose object it names. Releases of before ask for `journal_role`.
VARIABLES = {f"{name.upper()}_SECRET": name for name in (*NAMES, "journal_role")}
NO_LABELS: Mapping[str, str] = MappingProxyType({})


class Stored(NamedTuple):
    """`object` is what Swarm calls it, `name` what it is to the stack; of a secret, Swarm gives no content back."""

    object: str
    name: str
    created: str
    content: str = ""
    id: str = ""
    labels: Mapping[str, str] = NO_LABELS


class Taken(DockerError):
    """An object of this name exists already."""


def plain_name(stack: str, name: str) -> str:
    return f"{stack}-{name.replace('_', '-')}"


def content_name(stack: str, name: str, content: str) -> str:
    return f"{stack}_{name}_{hashlib.sha256(content.encode()).hexdigest()[:10]}"


def create(
    kind: Kind,
    stack: str,
    name: str,
    content: str,
    called: str = "",
    labels: Mapping[str, str] = NO_LABELS,
) -> str:
    """Makes an object, with random digits in its name unless it is to be `called` otherwise; returns what it is called.
    Names are unique in a Swarm, so of two that create one name, one gets Taken."""
    called = called or f"{stack}_{name}_{secrets.token_hex(5)}"
    all_labels = {STACK: stack, NAME: name, **labels}
    flags = [part for key, value in all_labels.items() for part in ("--label", f"{key}={value}")]
    try:
        docker(kind, "create", *flags, called, "-", stdin=content)
    except DockerError as error:
        if "already exists" in error.words or "name conflicts" in error.words:
            raise Taken((kind, "create", called), error.words) from error
        raise
    return called


def ensure_config(stack: str, name: str, content: str) -> str:
    """What the config with this content is called, which is made where it lacks."""
    called = content_name(stack, name, content)
    try:
        return create("config", stack, name, content, called)
    except Taken:
        return called  # the same name is the same content


def listed(kind: Kind, stack: str, name: str | None = None) -> list[Stored]:
    """The stack's objects, oldest first."""
    wanted = ["--filter", f"label={STACK}={stack}"]
    if name is not None:
        wanted += ["--filter", f"label={NAME}={name}"]
    ids = docker(kind, "ls", "--quiet", *wanted).split()
    plain = _plain(stack) if kind == "secret" else {}
    ids += [id_ for id_, own in plain.items() if name in (None, own) and id_ not in ids]
    facts = docker_json(kind, "inspect", *ids) if ids else []
    objects = [(_stored(each, plain.get(each["ID"], "")), _is_ours(each)) for each in facts]
    # What was made by hand counts as long as nothing of ours took its place.
    objects.sort(key=lambda pair: (pair[1], _moment(pair[0]), pair[0].object))
    return [stored for stored, _ in objects if stored.name]


def newest(kind: Kind, stack: str, name: str) -> Stored | None:
    objects = listed(kind, stack, name)
    return objects[-1] if objects else None


def current_secrets(stack: str) -> dict[str, str]:
    """The object that each variable of the stack files has to name; those that were made."""
    objects = {stored.name: stored.object for stored in listed("secret", stack)}
    return {variable: objects[name] for variable, name in VARIABLES.items() if name in objects}


def unlabelled(stack: str) -> list[str]:
    """The secrets of plain names that were made by hand."""
    ids = list(_plain(stack))
    facts = docker_json("secret", "inspect", *ids) if ids else []
    return [str(each["ID"]) for each in facts if not _is_ours(each)]


def remove(kind: Kind, object_name: str) -> None:
    docker(kind, "rm", object_name)


def _is_ours(facts: Mapping[str, Any]) -> bool:
    return NAME in (facts["Spec"].get("Labels") or {})


def _plain(stack: str) -> dict[str, str]:
    """The secrets of plain names that are there: id to name."""
    names = {plain_name(stack, name): name for name in NAMES}
    lines = docker("secret", "ls", "--format", "{{.ID}} {{.Name}}", "--filter", f"name={stack}-")
    pairs = [line.split() for line in lines.splitlines()]
    return {identity: names[full] for identity, full in pairs if full in names}


def _moment(stored: Stored) -> tuple[str, str]:
    # Docker leaves out the zeros at the end of a fraction of a second.
    seconds, _, fraction = stored.created.rstrip("Z").partition(".")
    return seconds, fraction.ljust(9, "0")


def _stored(facts: Mapping[str, Any], name: str = "") -> Stored:
    spec = facts["Spec"]
    content = base64.b64decode(spec.get("Data") or "").decode("utf-8", "replace")
    labels = spec.get("Labels") or {}
    own = labels.get(NAME, name)
    return Stored(spec["Name"], own, facts["CreatedAt"], content, facts["ID"], labels)
