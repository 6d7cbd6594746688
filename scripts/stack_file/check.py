"""Holds the stack files, what they mount and every file of settings against those who read them.

Renders with stand-ins for image and secrets; needs the docker command and no engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from scripts.command import environments
from scripts.command.checkout import ROOT
from scripts.command.outcome import say
from scripts.stack_file import dashboards, monitoring, settings, tool_checks
from scripts.stack_file.render import CONFIGS, EDGE, MONITORING, NO_TRAFFIC, collect, fill, used


def check(environ: Mapping[str, str]) -> dict[str, Any]:
    """Refuses at the first that is not; says what was looked at."""
    for file in sorted((ROOT / environments.FOLDER).glob("*.env")):
        name = str(file.relative_to(ROOT))
        values = settings.parse(file.read_text(encoding="utf-8"), name)
        say(f"{name}: {len(values)} settings")
    environments.check(ROOT / environments.FOLDER)
    for tls, http in (("on", "80"), ("on", ""), ("off", "")):
        image = f"registry.invalid/model@sha256:{'0' * 64}"
        wanted = {"EDGE_TLS": tls, "EDGE_HTTP_PORT": http}
        inputs = collect(image, NO_TRAFFIC, {**environ, **wanted})
        names = {name: name.lower() for name in used(inputs.files) if name.endswith("_SECRET")}
        rendered = fill("check", inputs, {**names, **{name: name.lower() for name in CONFIGS}})
        services = yaml.safe_load(rendered.text)["services"]
        say(f"{' and '.join(inputs.files)}: render to {', '.join(services)}")
        tool_checks.check_haproxy(ROOT / EDGE, services["edge"]["environment"])
    _check_monitoring(environ)
    dashboards.check()
    return {}


def _check_monitoring(environ: Mapping[str, str]) -> None:
    monitor = f"registry.invalid/monitor@sha256:{'0' * 64}"
    inputs = collect("", NO_TRAFFIC, environ, monitor=monitor)
    file = ROOT / MONITORING
    variables = used({MONITORING: file.read_text(encoding="utf-8")})
    secrets = {name: name.lower() for name in variables if name.endswith("_SECRET")}
    configs = monitoring.config_files()
    rendered = monitoring.fill("check", inputs, secrets, {name: name for name in configs})
    services = yaml.safe_load(rendered.text)["services"]
    say(f"{MONITORING}: renders to {', '.join(services)}")
    tool_checks.check_monitoring(configs["prometheus"].parent)
    tool_checks.check_haproxy(configs["engine"], services["engine"]["environment"])
