"""stack/monitoring.yml with a stack's settings filled in, and the files below stack/monitoring/ as configs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import yaml

from scripts.command.checkout import ROOT
from scripts.engine import secrets_and_configs
from scripts.stack_file import render
from scripts.stack_file.render import MONITORING, StackInputs
from scripts.stack_file.rendered import Rendered

#: What the configs of monitoring are labelled with, before their own names.
PREFIX = "monitoring-"
ROLE = "stack/monitor.sql"


def stack_of(stack: str) -> str:
    """What the stack of monitoring is called that watches this one."""
    return f"{stack}-monitoring"


def is_wanted(inputs: StackInputs) -> bool:
    return inputs.variables.get("MONITORING") != "off"


def config_files(root: Path = ROOT) -> dict[str, Path]:
    """Each config of stack/monitoring.yml, and its file."""
    file = root / MONITORING
    configs = yaml.safe_load(file.read_text(encoding="utf-8"))["configs"]
    return {name: file.parent / about["file"] for name, about in configs.items()}


def rendered(stack: str, inputs: StackInputs, secrets: Mapping[str, str]) -> Rendered:
    """Names the configs by their content, and makes none."""
    names = {
        name: secrets_and_configs.content_name(stack, f"{PREFIX}{name}", content)
        for name, content in contents().items()
    }
    return fill(stack, inputs, secrets, names)


def fill(
    stack: str, inputs: StackInputs, secrets: Mapping[str, str], names: Mapping[str, str]
) -> Rendered:
    text = (ROOT / MONITORING).read_text(encoding="utf-8")
    role = (ROOT / ROLE).read_text(encoding="utf-8")
    secure = "false" if inputs.variables.get("EDGE_TLS") == "off" else "true"
    variables = {
        **inputs.variables,
        **secrets,
        "STACK": stack,
        # Else a browser would keep Grafana's cookie back where the edge speaks plain HTTP.
        "GRAFANA_COOKIE_SECURE": secure,
        # What the database is told of the monitor is told again when it has changed.
        "MONITOR_ROLE_VERSION": hashlib.sha256(role.encode()).hexdigest()[:10],
    }
    return render.fill_files(stack, {MONITORING: text}, variables, names)


def ensure_configs(stack: str) -> None:
    for name, content in contents().items():
        secrets_and_configs.ensure_config(stack, f"{PREFIX}{name}", content)


def contents() -> dict[str, str]:
    return {name: path.read_text(encoding="utf-8") for name, path in config_files().items()}
