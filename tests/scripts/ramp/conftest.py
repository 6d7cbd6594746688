from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.ramp import climb, stack, watch
from tests.support.scripts.judged_site import MODEL, JudgedSite
from tests.support.scripts.swarm_in_a_file import SwarmInAFile, release

#: Reads the traffic, so that another share is another setting.
FILE = """
services:
  model: {image: "${MODEL_IMAGE}", environment: {TRAFFIC: "${TRAFFIC_CONFIG}"}, deploy: {replicas: 2}}
"""
ARMS = {MODEL: {"champion": {"version": "1"}, "challenger": {"version": "2"}}}


@pytest.fixture(name="site")
def _site(
    swarm: SwarmInAFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[JudgedSite]:
    """A release with champion 1 and challenger 2 serves, and both are called and judged."""
    first = release(1, "aaaa", golden={}, document={"models": ARMS})
    assert first.inputs is not None
    swarm.remember(first._replace(inputs=first.inputs._replace(files={"stack.yml": FILE})))
    monkeypatch.setenv("WATCH", "0")
    monkeypatch.setattr(watch, "POLL", 0.1)
    monkeypatch.setattr(watch, "LEDGER_EVERY", 1.0)
    monkeypatch.setattr(stack, "POLL", 0.3)
    monkeypatch.setattr(climb, "AGAIN", 0.1)
    site = JudgedSite(tmp_path, swarm)
    with site.edge(os.environ["SWARMLINE_URL"]) as url, site.judged():
        monkeypatch.setenv("SWARMLINE_URL", url)
        yield site
