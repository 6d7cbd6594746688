"""The bill of materials: valid by the format's own schema, and true to what is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts.image import sbom
from scripts.image.inventory import debian_licence, debian_packages

MODELS = {
    "yield": {
        "champion": {
            "version": "3",
            "run_id": "r1",
            "data_fingerprint": "d1",
            "commit": "c1",
            "bundle": "0" * 64,
        }
    }
}
STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
Description: GNU C Library
 Package: not-a-field

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libstdc++6
Status: install ok installed
Architecture: amd64
Version: 12.2.0-14
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: LGPL-2.1+

Files: b/*
License: GPL-2+ or MIT

License: LGPL-2.1+
 The whole text.
"""


@pytest.fixture(name="inventory", scope="module")
def _inventory() -> dict[str, Any]:
    """What the script that runs inside of images says of this machine."""
    words = subprocess.run(
        [sys.executable, "-"],
        input=sbom.INVENTORY.read_bytes(),
        capture_output=True,
        check=True,
    ).stdout
    parts: dict[str, Any] = json.loads(words)
    return parts


def bill_of(inventory: dict[str, Any]) -> dict[str, Any]:
    created = "2030-01-02T03:04:05+00:00"
    return sbom.document("swarmline/model", "20300102-ab", created, inventory, MODELS)


def test_it_is_valid_by_the_schema(inventory: dict[str, Any]):
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill_of(inventory)))
    assert problem is None


def test_it_lists_each_python_package_with_its_licence(inventory: dict[str, Any]):
    listed = {part["name"]: part for part in bill_of(inventory)["components"] if "purl" in part}
    flask = listed["flask"]
    assert flask["purl"] == f"pkg:pypi/flask@{metadata.version('flask')}"
    assert flask["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert listed["onnxruntime"]["licenses"] == [{"license": {"name": "MIT License"}}]


def test_it_lists_the_models_with_what_they_were_made_from(inventory: dict[str, Any]):
    (model,) = (
        part
        for part in bill_of(inventory)["components"]
        if part["type"] == "machine-learning-model"
    )
    assert (model["name"], model["version"]) == ("yield", "3")
    assert {"name": "swarmline:data_fingerprint", "value": "d1"} in model["properties"]


def test_the_same_image_has_the_same_bill(inventory: dict[str, Any]):
    assert bill_of(inventory) == bill_of(inventory)


def test_debian_packages_are_those_that_are_installed(tmp_path: Path):
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    parts = debian_packages(tmp_path)
    assert [(part["name"], part["version"]) for part in parts] == [
        ("libc6", "2.36-9+deb12u10"),
        ("libstdc++6", "12.2.0-14"),
    ]


def test_a_debian_package_is_named_as_scanners_know_it(inventory: dict[str, Any]):
    package = {"name": "libstdc++6", "version": "1:2+3", "arch": "amd64", "licence": ""}
    system = {"ID": "debian", "VERSION_ID": "12"}
    parts = bill_of({**inventory, "system": system, "debian": [package]})["components"]
    purls = [part["purl"] for part in parts if part["name"] == "libstdc++6"]
    assert purls == ["pkg:deb/debian/libstdc%2B%2B6@1%3A2%2B3?arch=amd64&distro=debian-12"]


def test_debian_licences_are_read_where_a_machine_can(tmp_path: Path):
    (tmp_path / "copyright").write_text(COPYRIGHT)
    assert debian_licence(tmp_path / "copyright") == "(GPL-2+ or MIT) AND LGPL-2.1+"
    (tmp_path / "prose").write_text("It is in `/usr/share/common-licenses/LGPL-2.1'.")
    assert debian_licence(tmp_path / "prose") == "LGPL-2.1"
    (tmp_path / "words").write_text("Free for all.")
    assert debian_licence(tmp_path / "words") == debian_licence(tmp_path / "missing") == ""
