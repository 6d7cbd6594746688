"""The bills of materials of both images, against the format's schema and against the locks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.support import ROOT
from tests.support.swarm_stack.containers import Built

pytestmark = pytest.mark.slow


def listed(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The components of a valid bill, by package URL or name without version."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    return {part.get("purl", part["name"]).partition("@")[0]: part for part in bill["components"]}


def locked(name: str) -> dict[str, set[str]]:
    """What a lock installs on Linux: package URL to versions, of which there is one for each Python."""
    lock = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split()[0] for line in lock if line[:1].isalpha() and "win32" not in line]
    versions: dict[str, set[str]] = {}
    for pin in pins:
        package, _, version = pin.partition("==")
        versions.setdefault(f"pkg:pypi/{package}", set()).add(version)
    return versions


def test_the_service_s_is_valid_and_whole(built: Built):
    bill = listed(built.written("sbom.cdx.json"))
    for name, versions in locked("serve").items():
        assert bill[name]["version"] in versions, name
    assert bill["pkg:pypi/flask"]["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert bill["pkg:deb/debian/libc6"]["version"].startswith("2.")
    assert bill["pkg:deb/debian/libc6"]["licenses"]
    assert bill["yield-prediction"]["type"] == "machine-learning-model"


@pytest.mark.thorough
def test_mlflow_s_is_valid_and_whole(mlflow: dict[str, Any]):
    bill = json.loads(Path(mlflow["sbom"]).read_bytes())
    components = listed(bill)
    for name, versions in locked("tracking").items():
        assert components[name]["version"] in versions, name
    assert "pkg:pypi/boto3" in components and "pkg:deb/debian/libc6" in components
    assert bill["metadata"]["component"]["name"] == "swarmline/mlflow"
