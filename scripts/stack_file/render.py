"""stack.yml with this moment's settings: what exactly is handed to `docker stack deploy`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from scripts.command.checkout import ROOT
from scripts.command.outcome import Refused
from scripts.engine import secrets_and_configs
from scripts.engine.docker import docker
from scripts.stack_file.rendered import Rendered

MAIN, TLS, HTTP = "stack.yml", "stack/tls.yml", "stack/http.yml"
EDGE, JOURNAL = "stack/haproxy.cfg", "stack/journal.sql"
#: A stack of its own, with the settings of this one: scripts/monitoring_stack.
MONITORING = "stack/monitoring.yml"
#: The configs of stack.yml, by the names that releases are recorded with.
CONFIGS = {"EDGE_CONFIG": "edge", "TRAFFIC_CONFIG": "traffic", "JOURNAL_CONFIG": "journal"}
#: Variables of the files that no deploy is asked for.
NO_SETTINGS = {
    *("MODEL_IMAGE", "MONITOR_IMAGE", "GRAFANA_COOKIE_SECURE", "STACK", "CONFIG_VERSION"),
    *("MONITOR_ROLE_VERSION", "RUNBOOK_OF_EDGE"),
    *CONFIGS,
}
NO_TRAFFIC = "# Every model is answered by its champion.\n"
VARIABLE = re.compile(r"(?<!\$)\$\{?([A-Z_][A-Z0-9_]*)")
NOBODY: Mapping[str, str] = MappingProxyType({})


class StackInputs(NamedTuple):
    """All that decides what runs, but for the secrets. Kept with each release, so that it can come back.

    `origins` is who said each variable.
    """

    files: Mapping[str, str]
    variables: Mapping[str, str]
    configs: Mapping[str, str]
    origins: Mapping[str, str] = NOBODY

    @property
    def image(self) -> str:
        return self.variables["MODEL_IMAGE"]

    @property
    def monitor_image(self) -> str:
        """Empty where none is known: of a release of before, or one whose monitor was never published."""
        return self.variables.get("MONITOR_IMAGE", "")


def collect(
    image: str,
    traffic: str,
    environ: Mapping[str, str],
    *,
    monitor: str = "",
    root: Path = ROOT,
) -> StackInputs:
    """The inputs as this checkout and these settings give them; of monitoring the settings and the image alone."""
    files = _read(root, _names(environ))
    variables = settings_of({**files, **_read(root, [MONITORING])}, environ)
    variables |= {"MODEL_IMAGE": image} | ({"MONITOR_IMAGE": monitor} if monitor else {})
    edge, journal = _read(root, [EDGE, JOURNAL]).values()
    configs = {"EDGE_CONFIG": edge, "TRAFFIC_CONFIG": traffic, "JOURNAL_CONFIG": journal}
    return StackInputs(files, variables, configs)


def all_files(root: Path = ROOT) -> dict[str, str]:
    """stack.yml and every overlay, and monitoring's."""
    return _read(root, [MAIN, TLS, HTTP, MONITORING])


def _read(root: Path, names: list[str]) -> dict[str, str]:
    return {name: (root / name).read_text(encoding="utf-8") for name in names}


def _names(environ: Mapping[str, str]) -> list[str]:
    plain, redirecting = environ.get("EDGE_TLS", "on") == "off", environ.get("EDGE_HTTP_PORT")
    if plain and redirecting:
        raise Refused(
            f"EDGE_HTTP_PORT is {redirecting}: a port that sends callers to TLS; EDGE_TLS is off, so there"
            " is none: set one of the two"
        )
    return [MAIN, *([] if plain else [TLS]), *([HTTP] if redirecting else [])]


def settings_of(files: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Of the variables that the files use, those that are set; never a secret's or a config's name."""
    return {
        name: environ[name]
        for name in sorted(used(files))
        if environ.get(name) and name not in NO_SETTINGS and not name.endswith("_SECRET")
    }


def used(files: Mapping[str, str]) -> set[str]:
    """The names of the variables that stack files mention."""
    lines = (line.split(" #")[0] for text in files.values() for line in text.splitlines())
    return {name for line in lines for name in VARIABLE.findall(line)}


def render(stack: str, inputs: StackInputs, secrets: Mapping[str, str]) -> Rendered:
    """Makes the configs and renders the files with their names."""
    configs = {
        variable: secrets_and_configs.ensure_config(stack, CONFIGS[variable], content)
        for variable, content in inputs.configs.items()
    }
    return fill(stack, inputs, {**secrets, **configs})


def fill(stack: str, inputs: StackInputs, names: Mapping[str, str]) -> Rendered:
    """The files with settings and names of objects filled in; docker itself checks them."""
    configs = {config: names[name] for name, config in CONFIGS.items() if name in names}
    variables = {**inputs.variables, **names, "STACK": stack}
    return fill_files(stack, inputs.files, variables, configs)


def fill_files(
    stack: str, files: Mapping[str, str], variables: Mapping[str, str], configs: Mapping[str, str]
) -> Rendered:
    """`configs` has what each config of the files is called."""
    lacking = sorted(name for name in used(files) - variables.keys() if name.endswith("_SECRET"))
    if lacking:
        raise Refused(
            f"stack {stack} has no {', '.join(lacking)}; `make secrets` makes what is missing"
        )
    # Nothing of this process's environment may reach a release that was recorded without it.
    environ: dict[str, str | None] = dict.fromkeys(used(files))
    environ |= variables
    with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
        flags = [part for path in _write(files, Path(folder)) for part in ("-c", path)]
        text = docker("stack", "config", *flags, environ=environ)
    return Rendered.of(_with_configs(text, configs))


def _with_configs(text: str, names: Mapping[str, str]) -> str:
    """With the configs that were made of their content, in place of files beside the stack file."""
    document: dict[str, Any] = yaml.safe_load(text)
    for config, name in names.items():
        if config in document.get("configs", {}):
            document["configs"][config] = {"external": True, "name": name}
    return yaml.safe_dump(document, sort_keys=False)


def _write(files: Mapping[str, str], folder: Path) -> list[str]:
    paths = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths
