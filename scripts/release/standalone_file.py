"""One stack file that holds everything, for `docker stack deploy` by hand, from a repository, or through Portainer.

    python -m scripts.release stack-file [--image NAME@sha256:...] [--stack NAME] [--json]

Writes build/release/stack.yml: settings, names of secrets and the content of configs are filled in, so that it needs
no variable and no other file. Without a manager within reach, secrets have their plain names. Exit codes: 0 done,
1 refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from outside.values import IMAGE, Outside
from scripts.command import files
from scripts.command.environments import FOLDER
from scripts.command.options import parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.engine import swarm
from scripts.engine.secrets_and_configs import NEEDED, VARIABLES, current_secrets, plain_name
from scripts.image import release
from scripts.ledger import records, unrecorded
from scripts.release import traffic_file
from scripts.stack_file import render, settings
from scripts.stack_file.render import CONFIGS, StackInputs

NAME = "stack.yml"
#: The docker command takes no content of a config: it goes in by the environment, and is written down at the start.
WRITE = 'printf %s "$NAME" >TARGET; unset NAME; '
ROOM = 1 << 20


def write(options: argparse.Namespace) -> dict[str, Any]:
    image = release.image_named(options.image)
    before, traffic, names = _in_the_swarm(options.stack)
    chosen = settings.choose(options.stack, before)
    settings.say_what_stays(chosen)
    inputs = render.collect(image, traffic, chosen.values)
    document = yaml.safe_load(render.fill(options.stack, inputs, names).text)
    place = files.write(files.release(NAME), _text(document, inputs, options.stack))
    say(f"wrote {place}; docker stack deploy --with-registry-auth -c {place} {options.stack}")
    return {"file": str(place), "image": image, "secrets": sorted(_secrets(document))}


def _in_the_swarm(name: str) -> tuple[StackInputs | None, str, dict[str, str]]:
    """What the stack was deployed with, its traffic, and what its secrets are called."""
    plain = {variable: plain_name(name, secret) for variable, secret in VARIABLES.items()}
    try:
        swarm.need_manager()
    except Refused as error:
        say(f"{error}; so the file has the plain names of secrets, and the settings of {FOLDER}")
        return None, render.NO_TRAFFIC, plain
    there = current_secrets(name)
    variables = [f"{secret.upper()}_SECRET" for secret in NEEDED]
    lacking = [plain[variable] for variable in variables if variable not in there]
    if lacking:
        say(f"not there yet: {', '.join(lacking)}; `make secrets ARGS=--plain-names` makes them")
    serving = records.serving(records.history(name))
    before = unrecorded.settings(swarm.look(name), name, serving)
    # As it is: what the image holds is not looked at, so nothing says that a challenger has gone.
    traffic = traffic_file.to_toml(traffic_file.traffic_of(serving))
    return before, traffic, plain | there


def _text(document: dict[str, Any], inputs: StackInputs, name: str) -> str:
    contents = {CONFIGS[variable]: text for variable, text in inputs.configs.items()}
    for service in document["services"].values():
        _inline(service, contents)
    document = {
        part: about
        for part, about in document.items()
        if part != "configs" and not part.startswith("x-")
    }
    head = (
        f"# {inputs.image} as stack {name}, written by `make stack-file`: it needs no variable and no other file.\n"
        f"# docker stack deploy --with-registry-auth -c {NAME} {name}\n"
        f"# The secrets have to be there: {', '.join(sorted(_secrets(document)))}\n"
    )
    return head + yaml.safe_dump(document, sort_keys=False, width=200).replace("$", "$$")


def _secrets(document: Mapping[str, Any]) -> list[str]:
    return [about["name"] for about in document["secrets"].values()]


def _inline(service: dict[str, Any], contents: Mapping[str, str]) -> None:
    """The service with its configs in its environment, written to where they were mounted before anything starts."""
    mounted = {config["target"]: config["source"] for config in service.pop("configs", [])}
    if not mounted:
        return
    lines = ""
    for target, source in mounted.items():
        variable = f"FILE_{source.upper()}"
        service["environment"][variable] = contents[source]
        folder = str(PurePosixPath(target).parent)
        service.setdefault("volumes", []).append(
            {"type": "tmpfs", "target": folder, "tmpfs": {"size": ROOM}}
        )
        lines += WRITE.replace("NAME", variable).replace("TARGET", target)
    place = service["entrypoint"].index("--") + 1
    own = ["sh", "-c", f'set -e; {lines}exec "$@"', "sh"]
    service["entrypoint"][place:place] = own


def main(arguments: list[str] | None = None) -> int:
    line = parser("release stack-file", __doc__)
    line.add_argument(
        "--image",
        default=Outside("IMAGE", IMAGE),
        help="by digest; default: MODEL_IMAGE, or what was published last",
    )
    options = parsed(line, arguments)
    return finish(lambda: write(options), options.json)
