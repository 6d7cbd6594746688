"""stack.yml and its company, as docker renders them."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support import ROOT

STACK, EDGE = ROOT / "stack.yml", ROOT / "stack/haproxy.cfg"
TLS, HTTP = ROOT / "stack/tls.yml", ROOT / "stack/http.yml"
MONITORING, MOUNTED = ROOT / "stack/monitoring.yml", ROOT / "stack/monitoring"
#: What refuses to render without.
REQUIRED = {"MODEL_IMAGE": f"registry.test/model@sha256:{'0' * 64}"}
MONITOR_REQUIRED = {"MONITOR_IMAGE": f"registry.test/monitor@sha256:{'0' * 64}"}


def try_render(variables: Mapping[str, str], *files: Path) -> subprocess.CompletedProcess[str]:
    named = [part for file in files for part in ("-c", str(file))]
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    return subprocess.run(
        ["docker", "stack", "config", *named],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def render(variables: Mapping[str, str], *files: Path) -> dict[str, Any]:
    done = try_render(variables, *files)
    assert done.returncode == 0 and not done.stderr, done.stderr
    stack: dict[str, Any] = yaml.safe_load(done.stdout)
    return stack


@functools.cache
def rendered() -> dict[str, Any]:
    """With the defaults of every variable that has one."""
    return render(REQUIRED, STACK, TLS)


@functools.cache
def rendered_monitoring() -> dict[str, Any]:
    """As `docker stack deploy` takes it, with the image alone."""
    return render(MONITOR_REQUIRED, MONITORING)


def edge_defaults() -> dict[str, str]:
    """What the edge's container is told."""
    variables: dict[str, str] = rendered()["services"]["edge"]["environment"]
    return dict(variables)
