"""stack.yml with this moment's settings: what exactly is handed to `docker stack deploy`.

    python -m scripts.stack [--check] [--stack NAME]

Prints the rendered stack file; --check renders with stand-ins for image and secrets, touches no engine and prints
nothing. Settings are environment variables: every ${NAME} in the files.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from scripts import haproxy, objects
from scripts.docker import docker
from scripts.options import parsed, parser
from scripts.outcome import Refused, finish, say

ROOT = Path(__file__).parents[1]
MAIN, TLS, HTTP = "stack.yml", "stack/tls.yml", "stack/http.yml"
EDGE = "stack/haproxy.cfg"
#: Variables that hold the name of a config, and the name that it gets.
CONFIGS = {"EDGE_CONFIG": "edge", "TRAFFIC_CONFIG": "traffic"}
REPLICAS = "swarmline.replicas"
NO_TRAFFIC = "# Every model is answered by its champion.\n"
VARIABLE = re.compile(r"(?<!\$)\$\{?([A-Z_][A-Z0-9_]*)")


class Inputs(NamedTuple):
    """All that decides what runs, but for the secrets. Kept with each release, so that it can come back."""

    files: Mapping[str, str]
    variables: Mapping[str, str]
    configs: Mapping[str, str]

    @property
    def image(self) -> str:
        return self.variables["MODEL_IMAGE"]


class Rendered(NamedTuple):
    """`settings` names everything in it but the labels: the same name means the same stack."""

    text: str
    settings: str


def collect(image: str, traffic: str, environ: Mapping[str, str], root: Path = ROOT) -> Inputs:
    """The inputs as this checkout and this environment give them."""
    files = {name: (root / name).read_text(encoding="utf-8") for name in _names(environ)}
    variables = settings_of(files, environ) | {"MODEL_IMAGE": image}
    edge = (root / EDGE).read_text(encoding="utf-8")
    return Inputs(files, variables, {"EDGE_CONFIG": edge, "TRAFFIC_CONFIG": traffic})


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
        if environ.get(name) and name not in CONFIGS and not name.endswith("_SECRET")
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
    # Nothing of this process's environment may reach a release that was recorded without it.
    environ: dict[str, str | None] = dict.fromkeys(used(inputs.files))
    environ |= {**inputs.variables, **names, "STACK": stack}
    with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
        flags = [part for path in _written(inputs.files, Path(folder)) for part in ("-c", path)]
        text = docker("stack", "config", *flags, environ=environ)
    return Rendered(text, hashlib.sha256(text.encode()).hexdigest()[:10])


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


def check(environ: Mapping[str, str]) -> dict[str, Any]:
    """Do the files render, and does HAProxy take its own? Needs the docker command, no engine."""
    for tls, http in (("on", "80"), ("on", ""), ("off", "")):
        image = f"registry.invalid/model@sha256:{'0' * 64}"
        wanted = {"EDGE_TLS": tls, "EDGE_HTTP_PORT": http}
        inputs = collect(image, NO_TRAFFIC, {**environ, **wanted})
        names = {name: name.lower() for name in used(inputs.files) if name.endswith("_SECRET")}
        found = fill("check", inputs, {**names, **{name: name.lower() for name in CONFIGS}})
        services = yaml.safe_load(found.text)["services"]
        say(f"{' and '.join(inputs.files)}: render to {', '.join(services)}")
        haproxy.check(ROOT / EDGE, services["edge"]["environment"])
    return {}


def main(arguments: list[str] | None = None) -> int:
    made = parser("stack", __doc__)
    made.add_argument("--check", action="store_true", help="only check that the files render")
    options = parsed(made, arguments)
    if options.check:
        return finish(lambda: check(os.environ), options.json)
    return finish(lambda: _print(options.stack), options.json)


def _print(stack: str) -> dict[str, Any]:
    from scripts import secrets  # pylint: disable=import-outside-toplevel

    image = os.environ.get("MODEL_IMAGE")
    if not image:
        raise Refused("MODEL_IMAGE is not set; it names the image by digest")
    inputs = collect(image, NO_TRAFFIC, os.environ)
    say(render(stack, inputs, secrets.current(stack)).text)
    return {}


if __name__ == "__main__":
    sys.exit(main())
