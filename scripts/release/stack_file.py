"""One stack file that holds everything, for `docker stack deploy` by hand, from a repository, or through Portainer.

    python -m scripts.release.stack_file [--image NAME@sha256:...] [--stack NAME] [--json]

Writes build/release/stack.yml: settings, names of secrets and the content of configs are filled in, so that it needs
no variable and no other file. Without a manager within reach, secrets have their plain names. Exit codes: 0 done,
1 refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from scripts.command.options import IMAGE, Outside, build, parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.credentials import manage
from scripts.engine import swarm, vault
from scripts.image import release
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release import traffic
from scripts.stack_file import render, settings
from scripts.stack_file.render import CONFIGS, Inputs

NAME = "stack.yml"
#: The docker command takes no content of a config: it goes in by the environment, and is written down at the start.
WRITE = 'printf %s "$NAME" >TARGET; unset NAME; '
ROOM = 1 << 20


def write(options: argparse.Namespace) -> dict[str, Any]:
    image = release.named(options.image)
    before, shared, names = _in_the_swarm(options.stack)
    chosen = settings.choose(options.stack, before)
    settings.tell_kept(chosen)
    inputs = render.collect(image, shared, chosen.values)
    document = yaml.safe_load(render.fill(options.stack, inputs, names).text)
    place = build() / "release" / NAME
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(_text(document, inputs, options.stack), encoding="utf-8")
    say(f"wrote {place}; docker stack deploy --with-registry-auth -c {place} {options.stack}")
    return {"file": str(place), "image": image, "secrets": sorted(_secrets(document))}


def _in_the_swarm(name: str) -> tuple[Inputs | None, str, dict[str, str]]:
    """What the stack was deployed with, its traffic, and what its secrets are called."""
    plain = {
        variable: vault.plain_name(name, secret) for variable, secret in manage.VARIABLES.items()
    }
    try:
        swarm.need_manager()
    except Refused as error:
        say(
            f"{error}; so the file has the plain names of secrets, and the settings of {settings.FOLDER}"
        )
        return None, render.NO_TRAFFIC, plain
    there = manage.current(name)
    lacking = [plain[f"{one.upper()}_SECRET"] for one in vault.NEEDED if not _is_in(one, there)]
    if lacking:
        say(f"not there yet: {', '.join(lacking)}; `make secrets ARGS=--plain-names` makes them")
    serving = records.current(records.history(name))
    before = unrecorded.settings(swarm.look(name), name, serving)
    return before, _traffic(serving), plain | there


def _is_in(secret: str, there: Mapping[str, str]) -> bool:
    return f"{secret.upper()}_SECRET" in there


def _traffic(serving: Record | None) -> str:
    """As it is: what the image holds is not looked at, so nothing says that a challenger has gone."""
    return traffic.written(traffic.of(serving))


def _text(document: dict[str, Any], inputs: Inputs, name: str) -> str:
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
    mounted = {one["target"]: one["source"] for one in service.pop("configs", [])}
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
    made = parser("stack_file", __doc__)
    made.add_argument(
        "--image",
        default=Outside("IMAGE", IMAGE),
        help="by digest; default: MODEL_IMAGE, or what was published last",
    )
    options = parsed(made, arguments)
    return finish(lambda: write(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
