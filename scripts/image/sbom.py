"""The bill of materials of an image, as CycloneDX 1.6 in JSON: what Python and Debian installed, and the models."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.engine.docker import docker

INVENTORY = Path(__file__).with_name("inventory.py")
Component = dict[str, Any]


def ask(image: str, seconds: float = 120.0) -> dict[str, Any]:
    """What is in an image, by its own Python; the container has no network and no rights."""
    words = docker(
        *("run", "--rm", "--interactive", "--network", "none", "--read-only", "--cap-drop", "ALL"),
        *("--entrypoint", "python3", image, "-"),
        given=INVENTORY.read_text(encoding="utf-8"),
        seconds=seconds,
    )
    found: dict[str, Any] = json.loads(words)
    return found


def document(
    name: str, version: str, created: str, inventory: dict[str, Any], models: dict[str, Any]
) -> dict[str, Any]:
    """The same image gives the same document."""
    system = inventory["system"]
    components = [
        _component("operating-system", system["ID"], system.get("VERSION_ID", ""), ""),
        _component("application", "python", inventory["python"], "", "generic/python"),
        *_python(inventory["packages"]),
        *_debian(inventory["debian"], system),
        *_models(models),
    ]
    subject = f"pkg:oci/{name.rpartition('/')[2]}?tag={quote(version)}"
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"{subject}#{json.dumps(components, sort_keys=True)}")
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": created,
            "component": {
                "type": "container",
                "bom-ref": subject,
                "name": name,
                "version": version,
                "purl": subject,
            },
        },
        "components": components,
        "dependencies": [
            {"ref": subject, "dependsOn": [component["bom-ref"] for component in components]}
        ],
    }


def _component(kind: str, name: str, version: str, licence: str, purl: str = "") -> Component:
    """`purl` is what stands before the version in its package URL."""
    found: Component = {"type": kind, "name": name, "version": version}
    found["bom-ref"] = f"pkg:{purl}@{quote(version, safe='')}" if purl else f"{kind}:{name}"
    if purl:
        found["purl"] = found["bom-ref"]
    if licence:
        found["licenses"] = [{"license": {"name": licence}}]
    return found


def _python(packages: Iterable[dict[str, str]]) -> Iterator[Component]:
    for one in packages:
        yield _component(
            "library", one["name"], one["version"], one["licence"], f"pypi/{one['name']}"
        )


def _debian(packages: Iterable[dict[str, str]], system: dict[str, str]) -> Iterator[Component]:
    distribution = f"{system['ID']}-{system.get('VERSION_ID', '')}".strip("-")
    for one in packages:
        place = f"deb/{system['ID']}/{quote(one['name'], safe='')}"
        found = _component("library", one["name"], one["version"], one["licence"], place)
        found["purl"] += f"?arch={one['arch']}&distro={distribution}"
        found["bom-ref"] = found["purl"]
        yield found


def _models(models: dict[str, dict[str, dict[str, str]]]) -> Iterator[Component]:
    for model, arms in models.items():
        for arm, about in arms.items():
            found = _component("machine-learning-model", model, about["version"], "")
            found["bom-ref"] = f"model:{model}:{about['version']}"
            found["hashes"] = [{"alg": "SHA-256", "content": about["bundle"]}]
            found["properties"] = [
                {"name": f"swarmline:{name}", "value": value}
                for name, value in {"arm": arm, **about}.items()
            ]
            yield found
