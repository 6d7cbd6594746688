"""stack.yml and its company, as docker renders them."""

from __future__ import annotations

import functools
import os
import re
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

#: What the docker command hands to a Swarm; it drops everything else in silence, or with a warning: `security_opt` and
#: `tmpfs` among others pass its check and then do nothing.
SUPPORTED = {
    *("image", "user", "entrypoint", "command", "environment", "ports", "networks", "configs"),
    *("secrets", "volumes", "healthcheck", "stop_signal", "stop_grace_period", "deploy", "init"),
    *("read_only", "cap_drop", "logging", "hostname", "sysctls"),
}


def seconds(text: str) -> float:
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(n) * units[u] for n, u in re.findall(r"([\d.]+)(ms|h|m|s)", text or "0s"))


def check_container(about: Mapping[str, Any], is_root: bool = False) -> None:
    """It is hardened and bounded, as every container of ours."""
    assert set(about) <= SUPPORTED
    assert about["read_only"] and about["init"] and about["cap_drop"] == ["ALL"]
    assert about["entrypoint"][:3] == ["setpriv", "--no-new-privs", "--"]
    assert ":" in about["user"] and about["user"].startswith("0") == is_root
    assert set(about["logging"]["options"]) == {"max-size", "max-file"}
    limits, reserved = (about["deploy"]["resources"][key] for key in ("limits", "reservations"))
    assert float(reserved["cpus"]) <= float(limits["cpus"]) and limits["pids"] > 0
    assert int(reserved["memory"]) <= int(limits["memory"])


def check_update(about: Mapping[str, Any]) -> None:
    """An update is watched for longer than an ill task needs to be noticed."""
    check, deploy = about["healthcheck"], about["deploy"]
    cycle = seconds(check["interval"]) * check["retries"] + seconds(check["timeout"])
    for part, action in (("update_config", "rollback"), ("rollback_config", "pause")):
        assert seconds(deploy[part]["monitor"]) > cycle
        assert deploy[part]["failure_action"] == action


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
