"""The monitor's image is built and published with the service's, by digest, and left out where monitoring is off."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest

from scripts.command import files
from scripts.command.outcome import Refused
from scripts.engine import images
from scripts.image import monitor, sbom
from tests.support.scripts.swarm_in_a_file import SwarmInAFile

OPTIONS = argparse.Namespace(deadline=60.0, pull=False, no_cache=False)
INVENTORY: dict[str, Any] = {
    **{"system": {"ID": "debian", "VERSION_ID": "12"}, "python": "3.11.2", "debian": []},
    "packages": [{"name": "flask", "version": "3.1.3", "licence": "BSD-3-Clause"}],
}


@pytest.fixture(autouse=True)
def _base(swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch) -> None:
    base = {"config": {"RootFS": {"Layers": ["1"]}}}
    swarm.change("image", **{images.BASE_IMAGE: base})
    monkeypatch.setattr(sbom, "ask", lambda tag: INVENTORY)
    monkeypatch.setenv("REGISTRY", "house:5000")


def test_it_is_built_once_and_published_by_digest_with_its_bill_of_materials(swarm: SwarmInAFile):
    tag = monitor.build(OPTIONS)["image"]
    assert monitor.build(OPTIONS)["image"] == tag and len(swarm.calls("build")) == 1
    assert monitor.publish(60) == f"house:5000/swarmline/monitor@sha256:{'0' * 64}"
    bill = json.loads(files.release("monitor.sbom.cdx.json").read_text())
    assert bill["metadata"]["component"]["name"] == "swarmline/monitor"
    assert [each["name"] for each in bill["components"]] == ["debian", "python", "flask"]


def test_off_builds_and_publishes_none_also_not_the_one_of_before(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    monitor.build(OPTIONS)
    monkeypatch.setenv("MONITORING", "off")
    assert monitor.build(OPTIONS) == {} and monitor.publish(60) == ""
    monkeypatch.setenv("MONITORING", "perhaps")
    with pytest.raises(Refused, match="MONITORING: 'perhaps' is not on or off"):
        monitor.build(OPTIONS)


def test_an_image_that_the_engine_has_lost_is_not_published(swarm: SwarmInAFile):
    tag = monitor.build(OPTIONS)["image"]
    state = swarm.read()
    del state["image"][tag]
    swarm.write(state)
    with pytest.raises(Refused, match="run `make image`"):
        monitor.publish(60)
