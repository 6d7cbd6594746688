"""Configuration as Code as a controller reads it: `${...}` is filled in, then each name is held against its schema.

The schema that a controller publishes lists all names flat and leaves some places empty; `KNOWN` fills those we use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.support.jenkins import HERE

DATA = HERE / "data"
VARIABLE = re.compile(
    r"(?<!\^)\$\{(?:(?P<call>\w+):/run/secrets/(?P<file>\w+)|(?P<name>\w+)(?::-(?P<default>[^}]*))?)\}"
)
#: A controller takes any scalar as text.
TYPES = {"string": (str, int), "integer": (int,), "boolean": (bool,), "array": (list,)}
#: By class or name: what goes into a place that the published schema leaves empty.
KNOWN: dict[str, dict[str, Any]] = {
    "jenkins": {"nodes": {"each": "node"}, "globalNodeProperties": {"each": "nodeProperty"}},
    "hudson.security.GlobalMatrixAuthorizationStrategy": {"entries": {"each": "definitionEntry"}},
    "hudson.security.ProjectMatrixAuthorizationStrategy": {"entries": {"each": "definitionEntry"}},
    "org.jenkinsci.plugins.matrixauth.integrations.casc.DefinitionEntry$Child": {
        "name": {"type": "string"},
        "permissions": {"type": "array"},
    },
    "hudson.slaves.EnvironmentVariablesNodeProperty": {"env": {"each": "entry"}},
    "com.cloudbees.plugins.credentials.SystemCredentialsProvider": {
        "domainCredentials": {"each": "domainCredentials"}
    },
    "domainCredentials": {"credentials": {"each": "credentials"}},
    "hudson.plugins.emailext.MailAccount": {
        "smtpHost": {"type": "string"},
        "smtpPort": {"type": "string"},
        "useTls": {"type": "boolean"},
        "credentialsId": {"type": "string"},
    },
}
#: By class: where the schema shows one value, and a controller takes a list.
LISTS = {"hudson.model.UserProperty": {"each": "userProperty"}}
#: Written as text, whatever the schema calls them.
TEXTS = (
    "hudson.util.Secret",
    "com.cloudbees.plugins.credentials.SecretBytes",
    "javaposse.jobdsl.plugin.casc.FromFileScriptSource",
)


def published() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((DATA / "casc-schema.json").read_text(encoding="utf-8"))
    return schema["properties"]


def scalars(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from scalars(inner)


def secrets(document: Any) -> set[str]:
    """The names that only a secret can fill: those without a default."""
    matches = [match for text in scalars(document) for match in VARIABLE.finditer(text)]
    return {match["file"] or match["name"] for match in matches if match["default"] is None}


def variables(document: Any) -> dict[str, str]:
    """Those with a default."""
    matches = [match for text in scalars(document) for match in VARIABLE.finditer(text)]
    return {match["name"]: match["default"] for match in matches if match["default"] is not None}


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """A text with a variable becomes what the text means: a number where a number is written."""
    if isinstance(value, dict):
        return {key: filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, values) for inner in value]
    if not isinstance(value, str) or not VARIABLE.search(value):
        return value
    text = VARIABLE.sub(
        lambda match: values.get(match["file"] or match["name"], match["default"] or ""), value
    )
    meant = yaml.safe_load(text) if text else ""
    return meant if isinstance(meant, (int, bool)) else text


def problems(document: Mapping[str, Any]) -> list[str]:
    schema, faults = published(), []
    for section, value in document.items():
        if section not in schema:
            faults.append(f"{section}: no such section")
            continue
        names = schema[section]["properties"]
        if section == "jobs":
            faults += _each(value, names["scriptSource"], names, section)
            continue
        members = names | KNOWN.get(section, {})
        faults += _members(value, members, names, section)
    return faults


def _members(
    value: Any, members: Mapping[str, Any], names: Mapping[str, Any], where: str
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: a mapping is wanted, not {value!r}"
        return
    for key, inner in value.items():
        if key not in members:
            yield f"{where}: has no {key}; it has {', '.join(sorted(members))}"
        else:
            yield from _problems(inner, members[key], names, f"{where}.{key}", key)


def _problems(
    value: Any, node: Mapping[str, Any], names: Mapping[str, Any], where: str, key: str
) -> Iterator[str]:
    kind = node.get("$id", "").removeprefix("#/definitions/")
    node = LISTS.get(kind, node)
    if "each" in node:
        yield from _each(value, names[node["each"]], names, where, node["each"])
    elif kind in TEXTS:
        if not isinstance(value, str):
            yield f"{where}: text is wanted, not {value!r}"
    elif "oneOf" in node:
        yield from _one_of(value, node["oneOf"], names, where)
    elif kind in KNOWN or key in KNOWN:
        yield from _members(value, KNOWN.get(kind) or KNOWN[key], names, where)
    elif kind and "properties" not in node:
        short = re.split(r"[.$]", kind)[-1]
        meant = names.get(short[0].lower() + short[1:], {"properties": {}})
        yield from _problems(value, meant, names, where, "")
    elif "properties" in node:
        yield from _members(value, node["properties"], names, where)
    else:
        yield from _plain(value, node, names, where)


def _one_of(
    value: Any, options: list[dict[str, Any]], names: Mapping[str, Any], where: str
) -> Iterator[str]:
    members = {name: node for option in options for name, node in option["properties"].items()}
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= set(members):
        yield f"{where}: one of {', '.join(sorted(members))} is wanted, not {value!r}"
        return
    ((name, inner),) = value.items()
    kind = members[name].get("$id", "").removeprefix("#/definitions/")
    node = members[name] if kind in KNOWN else names.get(name, members[name])
    yield from _problems(inner, node, names, f"{where}.{name}", name)


def _each(
    value: Any, node: Mapping[str, Any], names: Mapping[str, Any], where: str, key: str = ""
) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: a list is wanted, not {value!r}"
        return
    for index, inner in enumerate(value):
        yield from _problems(inner, node, names, f"{where}[{index}]", key)


def _plain(
    value: Any, node: Mapping[str, Any], names: Mapping[str, Any], where: str
) -> Iterator[str]:
    wanted = TYPES[node["type"]]
    if not isinstance(value, wanted) or (node["type"] == "integer" and isinstance(value, bool)):
        yield f"{where}: {node['type']} is wanted, not {value!r}"
    elif "enum" in node and value not in node["enum"]:
        yield f"{where}: one of {', '.join(node['enum'])} is wanted, not {value!r}"
    elif isinstance(value, list) and node.get("items"):
        yield from _each(value, node["items"][0], names, where)
