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
        stdin=INVENTORY.read_text(encoding="utf-8"),
        seconds=seconds,
    )
    inventory: dict[str, Any] = json.loads(words)
    return inventory


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
    component: Component = {"type": kind, "name": name, "version": version}
    component["bom-ref"] = f"pkg:{purl}@{quote(version, safe='')}" if purl else f"{kind}:{name}"
    if purl:
        component["purl"] = component["bom-ref"]
    if licence:
        component["licenses"] = [{"license": {"name": licence}}]
    return component


def _python(packages: Iterable[dict[str, str]]) -> Iterator[Component]:
    for package in packages:
        name = package["name"]
        yield _component("library", name, package["version"], package["licence"], f"pypi/{name}")


def _debian(packages: Iterable[dict[str, str]], system: dict[str, str]) -> Iterator[Component]:
    distribution = f"{system['ID']}-{system.get('VERSION_ID', '')}".strip("-")
    for package in packages:
        name = package["name"]
        place = f"deb/{system['ID']}/{quote(name, safe='')}"
        component = _component("library", name, package["version"], package["licence"], place)
        component["purl"] += f"?arch={package['arch']}&distro={distribution}"
        component["bom-ref"] = component["purl"]
        yield component


def _models(models: dict[str, dict[str, dict[str, str]]]) -> Iterator[Component]:
    for model, arms in models.items():
        for arm, about in arms.items():
            component = _component("machine-learning-model", model, about["version"], "")
            component["bom-ref"] = f"model:{model}:{about['version']}"
            component["hashes"] = [{"alg": "SHA-256", "content": about["bundle"]}]
            component["properties"] = [
                {"name": f"swarmline:{name}", "value": value}
                for name, value in {"arm": arm, **about}.items()
            ]
            yield component
