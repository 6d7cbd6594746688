"""stack.yml with this moment's settings: what exactly is handed to `docker stack deploy`."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from scripts.command.outcome import Refused
from scripts.engine import objects
from scripts.engine.docker import docker

ROOT = Path(__file__).parents[2]
MAIN, TLS, HTTP = "stack.yml", "stack/tls.yml", "stack/http.yml"
EDGE, JOURNAL = "stack/haproxy.cfg", "stack/journal.sql"
#: The configs of stack.yml, by the names that releases are recorded with.
CONFIGS = {"EDGE_CONFIG": "edge", "TRAFFIC_CONFIG": "traffic", "JOURNAL_CONFIG": "journal"}
#: Variables of the files that no deploy is asked for.
NO_SETTINGS = {"MODEL_IMAGE", "STACK", "CONFIG_VERSION", *CONFIGS}
REPLICAS = "swarmline.replicas"
NO_TRAFFIC = "# Every model is answered by its champion.\n"
VARIABLE = re.compile(r"(?<!\$)\$\{?([A-Z_][A-Z0-9_]*)")


NOBODY: Mapping[str, str] = MappingProxyType({})


class Inputs(NamedTuple):
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


class Rendered(NamedTuple):
    """`settings` names everything in it but the labels: the same name means the same stack."""

    text: str
    settings: str


def collect(image: str, traffic: str, environ: Mapping[str, str], root: Path = ROOT) -> Inputs:
    """The inputs as this checkout and these settings give them."""
    files = _read(root, _names(environ))
    variables = settings_of(files, environ) | {"MODEL_IMAGE": image}
    edge, journal = _read(root, [EDGE, JOURNAL]).values()
    configs = {"EDGE_CONFIG": edge, "TRAFFIC_CONFIG": traffic, "JOURNAL_CONFIG": journal}
    return Inputs(files, variables, configs)


def all_files(root: Path = ROOT) -> dict[str, str]:
    """stack.yml and every overlay."""
    return _read(root, [MAIN, TLS, HTTP])


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


def render(stack: str, inputs: Inputs, secrets: Mapping[str, str]) -> Rendered:
    """Makes the configs and renders the files with their names."""
    configs = {
        variable: objects.keep_content(stack, CONFIGS[variable], content)
        for variable, content in inputs.configs.items()
    }
    return fill(stack, inputs, {**secrets, **configs})


def fill(stack: str, inputs: Inputs, names: Mapping[str, str]) -> Rendered:
    """The files with settings and names of objects filled in; docker itself checks them."""
    lacking = sorted(one for one in used(inputs.files) - names.keys() if one.endswith("_SECRET"))
    if lacking:
        raise Refused(
            f"stack {stack} has no {', '.join(lacking)}; `make secrets` makes what is missing"
        )
    # Nothing of this process's environment may reach a release that was recorded without it.
    environ: dict[str, str | None] = dict.fromkeys(used(inputs.files))
    environ |= {**inputs.variables, **names, "STACK": stack}
    with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
        flags = [part for path in _written(inputs.files, Path(folder)) for part in ("-c", path)]
        text = docker("stack", "config", *flags, environ=environ)
    text = _named(text, names)
    return Rendered(text, hashlib.sha256(text.encode()).hexdigest()[:10])


def _named(text: str, names: Mapping[str, str]) -> str:
    """With the configs that were made of their content, in place of files beside the stack file."""
    document: dict[str, Any] = yaml.safe_load(text)
    for variable, config in CONFIGS.items():
        if config in document.get("configs", {}) and variable in names:
            document["configs"][config] = {"external": True, "name": names[variable]}
    return yaml.safe_dump(document, sort_keys=False)


def _written(files: Mapping[str, str], folder: Path) -> list[str]:
    paths = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths


def labelled(text: str, labels: Mapping[str, str]) -> str:
    """The rendered file with labels on every service, ready to be read by docker once more."""
    document: dict[str, Any] = yaml.safe_load(text)
    for service in document["services"].values():
        deploy = service.setdefault("deploy", {})
        # What is scaled by hand afterwards can be told from what was deployed.
        own = {} if deploy.get("mode") == "global" else {REPLICAS: str(deploy.get("replicas", 1))}
        deploy["labels"] = {**(deploy.get("labels") or {}), **labels, **own}
    # What is rendered is plain text; docker would take its dollars for variables.
    return yaml.safe_dump(document, sort_keys=False).replace("$", "$$")
