"""From nothing to a running stack on the Swarm that the docker command reaches; every step only where it lacks.

    python -m scripts.operate up [--yes] [--stack NAME]

Asks before it makes this machine a Swarm, unless --yes. Without REGISTRY it runs a registry on this machine, which a
Swarm of one node can do with. Exit codes: 0 done, 1 refused or not trained, else those of the step that failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess  # nosec B404 # each step is a command of its own
import sys
from collections.abc import Iterator
from typing import Any

from outside.values import FLAG, Outside
from scripts.command.options import is_agreed, parsed, parser
from scripts.command.outcome import REFUSED, Refused, Stopped, finish, say
from scripts.edge import client
from scripts.engine import swarm
from scripts.engine.docker import DockerError, docker
from scripts.engine.secrets_and_configs import current_secrets
from scripts.ledger import records
from scripts.operate import directions
from scripts.stack_file import monitoring, settings

REGISTRY = "swarmline-registry"
PORT = 5000


class StepFailed(Stopped):
    """A step failed and has said why; the exit code is its own."""

    def __init__(self, target: str, code: int):
        super().__init__(
            f"`make {target}` did not succeed; mend that, and `make up` goes on from there"
        )
        self.code = code


def up(options: argparse.Namespace) -> dict[str, Any]:
    need_swarm(options.yes)
    environ = {"STACK": options.stack, "REGISTRY": registry()}
    for target, words in steps(options.stack):
        run_step(target, words, environ)
    return look_around(options.stack)


def steps(stack: str) -> Iterator[tuple[str, list[str]]]:
    """What `make` calls each, and its words to Python."""
    yield "train", ["training", "train", "--promote", "make up"]
    yield "export", ["training", "export"]
    yield "secrets", ["scripts.credentials", "make", *certificate_words(stack)]
    yield "image", ["scripts.image", "build"]
    yield "publish", ["scripts.image", "publish"]
    yield "deploy", ["scripts.release", "deploy"]


def certificate_words(stack: str) -> list[str]:
    """A certificate that signed itself, where none was brought."""
    around = settings.around(stack)
    if "EDGE_CERTIFICATE_SECRET" in current_secrets(stack) or around.get("EDGE_TLS") == "off":
        return []
    return ["--self-signed", around.get("EDGE_HOST", "localhost")]


def run_step(target: str, words: list[str], environ: dict[str, str]) -> None:
    """It gets what `make up` got, but for what was said to that alone: ARGS, and Make's own flags."""
    inherited = {name: os.environ[name] for name in os.environ if name not in ("MAKEFLAGS", "ARGS")}
    done = subprocess.run(  # nosec B603
        [sys.executable, "-m", *words], env=inherited | environ, check=False
    )
    if done.returncode:
        # What training means by 2 and 3, a deploy means otherwise; a signal is no code.
        is_ours = words[0] != "training" and done.returncode > 0
        raise StepFailed(target, done.returncode if is_ours else REFUSED)


def need_swarm(yes: bool) -> None:
    """A Swarm, made here if someone agrees."""
    state = docker("info", "--format", "{{.Swarm.LocalNodeState}}").strip()
    if state == "inactive":
        if not yes and not is_agreed(
            "This machine is in no Swarm. Make it one (docker swarm init)?"
        ):
            raise Refused(
                "no Swarm, so nothing was done; YES=1 agrees, DOCKER_HOST names another engine"
            )
        try:
            docker("swarm", "init")
        except DockerError as error:
            raise Refused(
                f"{error.words}; `docker swarm init --advertise-addr ADDRESS` yourself, then again"
            ) from error
        say("this machine is a Swarm of one node now; `docker swarm leave --force` ends it")
    swarm.need_manager()


def registry() -> str:
    """The registry that is named, or one on this machine: its engine trusts loopback without TLS."""
    named = os.environ.get("REGISTRY")
    if named:
        return named
    if len(swarm.nodes()) > 1:
        raise Refused("every node must reach the registry: name it with REGISTRY=host:port")
    running = docker(
        "ps", "--quiet", "--filter", f"name=^{REGISTRY}$", "--filter", "status=running"
    )
    if not running.strip():
        _start_registry()
    return f"127.0.0.1:{PORT}"


def _start_registry() -> None:
    if docker("ps", "--all", "--quiet", "--filter", f"name=^{REGISTRY}$").strip():
        docker("start", REGISTRY)
        return
    image = os.environ.get("REGISTRY_IMAGE") or "registry:2.8.3"
    volume = f"{REGISTRY}:/var/lib/registry"
    flags = ("--detach", "--restart", "unless-stopped", "--volume", volume)
    port = f"127.0.0.1:{PORT}:5000"
    docker("run", *flags, "--name", REGISTRY, "--publish", port, image, seconds=300)
    say(f"a registry for this machine alone runs at 127.0.0.1:{PORT}: container {REGISTRY}")


def look_around(stack: str) -> dict[str, Any]:
    """Where to look, and a call of the first model."""
    serving = records.need_serving(stack, records.history(stack))
    inputs = serving.deployed_with
    edge = client.client_for(swarm.look(stack), stack, inputs.variables)
    model, arms = next(iter(serving.golden.items()))
    call = directions.call_of(edge, client.key_file(stack), model, arms["champion"]["golden"])
    lines = ["how it does      make status"]
    if monitoring.is_wanted(inputs):
        lines += directions.to_monitoring(edge.url, stack)
    directions.show(edge.url, "\n".join(lines), call)
    return {"url": edge.url, "release": serving.release, "curl": call}


def main(arguments: list[str] | None = None) -> int:
    line = parser("operate up", __doc__)
    line.add_argument(
        "--yes",
        action="store_true",
        default=Outside("YES", FLAG),
        help="make a Swarm without asking",
    )
    options = parsed(line, arguments)
    return finish(lambda: up(options), options.json)
