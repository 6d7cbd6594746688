"""From nothing to a running stack on the Swarm that the docker command reaches; every step only where it lacks.

    python -m scripts.operate.up [--yes] [--stack NAME]

Asks before it makes this machine a Swarm, unless --yes. Without REGISTRY it runs a registry on this machine, which a
Swarm of one node can do with. Exit codes: 0 done, 1 refused, else those of the step that failed.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess  # nosec B404 # runs our own make targets
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.command.options import FLAG, Outside, parsed, parser
from scripts.command.outcome import Refused, Stopped, finish, say
from scripts.credentials import manage
from scripts.edge import client
from scripts.edge.client import Access
from scripts.engine import swarm
from scripts.engine.docker import DockerError, docker
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.stack_file import settings

REGISTRY = "swarmline-registry"
PORT = 5000


class Step(Stopped):
    """A step failed and has said why; the exit code is its own."""

    def __init__(self, target: str, code: int):
        super().__init__(
            f"`make {target}` did not succeed; mend that, and `make up` goes on from there"
        )
        self.code = code


def up(options: Any) -> dict[str, Any]:
    need_swarm(options.yes)
    environ = {"STACK": options.stack, "REGISTRY": registry()}
    make("train", {**environ, "ARGS": "--promote 'make up'"})
    make("export", environ)
    need_secrets(options.stack, environ)
    for target in ("image", "publish", "deploy"):
        make(target, environ)
    return directions(options.stack)


def need_swarm(yes: bool) -> None:
    """A Swarm, made here if someone agrees."""
    state = docker("info", "--format", "{{.Swarm.LocalNodeState}}").strip()
    if state == "inactive":
        if not yes and not agreed("This machine is in no Swarm. Make it one (docker swarm init)?"):
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


def agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    say(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


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


def need_secrets(stack: str, environ: dict[str, str]) -> None:
    """What is missing; a certificate that signed itself where none was brought."""
    said = settings.around(stack)
    host, plain = said.get("EDGE_HOST", "localhost"), said.get("EDGE_TLS") == "off"
    lacks = "EDGE_CERTIFICATE_SECRET" not in manage.current(stack) and not plain
    words = ["make", "--self-signed", host] if lacks else ["make"]
    make("secrets", {**environ, "ARGS": shlex.join(words)})


def make(target: str, environ: dict[str, str]) -> None:
    """A step. It gets what `make up` got, but for what was said to that alone: ARGS, and Make's own flags."""
    command = shutil.which("make")
    if command is None:
        raise Refused("there is no make in PATH")
    inherited = {name: os.environ[name] for name in os.environ if name not in ("MAKEFLAGS", "ARGS")}
    done = subprocess.run(  # nosec B603
        [command, "--no-print-directory", target], env=inherited | environ, check=False
    )
    if done.returncode:
        raise Step(target, 1)


def directions(stack: str) -> dict[str, Any]:
    """Where to look, and a call that works as it is pasted."""
    serving = records.current(records.history(stack))
    if serving is None or serving.inputs is None:
        raise Refused(f"stack {stack} has no release; `make deploy` says why")
    reach = client.access(swarm.look(stack), stack, serving.inputs.variables)
    call = curl(reach, client.key_file(), serving)
    print("\n".join(["", f"try the models   {reach.url}/docs", "how it does      make status"]))
    print(f"call one         {call}", flush=True)
    return {"url": reach.url, "release": serving.release, "curl": call}


def curl(reach: Access, key: Path, serving: Record) -> str:
    """A call of the first model. Where the certificate has a name, that name is called, at the address found."""
    place = urlsplit(reach.url)
    port = place.port or (443 if place.scheme == "https" else 80)
    words = ["curl", "-s"]
    address = reach.url
    if isinstance(reach.verify, str):
        words += ["--cacert", shlex.quote(reach.verify)]
    if place.scheme == "https" and reach.host and reach.host != place.hostname:
        words += ["--connect-to", f"{reach.host}:{port}:{place.hostname}:{port}"]
        address = f"https://{reach.host}:{port}"
    model, arms = next(iter(serving.golden.items()))
    row = json.dumps({"rows": arms["champion"]["golden"]["rows"][:1]})
    words += [f"{address}/v1/models/{model}/predict", "-H", "'Content-Type: application/json'"]
    if reach.key:
        words += ["-H", f'"Authorization: Bearer $(cat {shlex.quote(str(key))})"']
    return " ".join([*words, "-d", shlex.quote(row)])


def main(arguments: list[str] | None = None) -> int:
    made = parser("up", __doc__)
    made.add_argument(
        "--yes",
        action="store_true",
        default=Outside("YES", FLAG),
        help="make a Swarm without asking",
    )
    options = parsed(made, arguments)
    return finish(lambda: up(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
