"""The platform: Jenkins, MLflow and a registry, as the stack of jenkins/platform.yml.

    python -m scripts.platform_stack.stack up|down|status|backup|restore FOLDER [--json] [--deadline SECONDS]

`up` makes secrets, configs and images, deploys, waits until everything runs, and says where. Variables of the
environment set what jenkins/platform.yml lists. Exit codes: 0 done, 1 refused, 3 deadline.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.command import checkout
from scripts.command.options import NAME, PATH, Outside, build, parsed, plain_parser
from scripts.command.outcome import Late, Refused, finish, say
from scripts.engine import images as builder
from scripts.engine import vault
from scripts.engine.docker import docker, docker_json
from scripts.platform_stack import backup, credentials
from scripts.platform_stack import images as platform_images

ROOT = Path(__file__).parents[2]
FILE = ROOT / "jenkins/platform.yml"
ENCRYPTED = ROOT / "jenkins/platform/encrypted.yml"
CONFIGS = {"gate": "jenkins/platform/gate.cfg", "engine": "jenkins/platform/engine.cfg"}
#: Services with a volume stay where it is: on this node, unless told otherwise.
CONSTRAINTS = ("CONTROLLER", "AGENT", "MLFLOW", "REGISTRY")
WRONG = ("paused", "rollback_started", "rollback_paused", "rollback_completed")


def up(stack: str, folder: Path, seconds: float) -> dict[str, Any]:
    end = time.monotonic() + seconds
    builder.reachable()
    node = _node()
    environ = {name: value for name, value in os.environ.items() if value}
    host = environ.get("PLATFORM_HOST", node["NodeAddr"])
    _defaults(environ, host, node["NodeID"])
    environ |= credentials.ensure(stack, folder, host)
    environ |= {
        f"{name.upper()}_CONFIG": _config(stack, name, path) for name, path in CONFIGS.items()
    }
    environ |= platform_images.images(environ, end - time.monotonic())
    files = [FILE, *([ENCRYPTED] if environ.get("NETWORK_ENCRYPTED") == "on" else [])]
    named = [part for file in files for part in ("--compose-file", str(file))]
    deploy = ("stack", "deploy", *named, "--resolve-image", "never")
    docker(*deploy, "--with-registry-auth", "--detach=true", stack, environ=environ)
    _wait(stack, end)
    return _directions(environ, host, folder)


def _defaults(environ: dict[str, str], host: str, node: str) -> None:
    for name in CONSTRAINTS:
        environ.setdefault(f"{name}_CONSTRAINT", f"node.id == {node}")
    environ.setdefault("GIT_URL", checkout.origin(ROOT))
    if not environ["GIT_URL"]:
        say(
            "GIT_URL is not set, and this checkout has no origin: the jobs have no repository to read"
        )
    environ.setdefault("JENKINS_PORT", "8443")
    environ.setdefault("MLFLOW_PORT", "5443")
    environ.setdefault("JENKINS_URL", f"https://{host}:{environ['JENKINS_PORT']}/")
    environ.setdefault("MLFLOW_HOSTS", f"{host},{host}:{environ['MLFLOW_PORT']}")
    environ.setdefault("SWARMLINE_MLFLOW_PAGES", _mlflow_pages(environ, host))
    if environ.get("PLATFORM_PORT_MODE") == "host":
        environ.setdefault("GATE_UPDATE_ORDER", "stop-first")
        # A service's virtual address needs IPVS, and so does the ingress that `host` does without.
        environ.setdefault("GATE_ENDPOINT_MODE", "dnsrr")
        # Its ports are those of the node where it runs, and so of the addresses that are printed.
        environ.setdefault("GATE_CONSTRAINT", f"node.id == {node}")


def _node() -> dict[str, Any]:
    found: dict[str, Any] = docker_json("info", "--format", "{{json .Swarm}}")[0]
    if not found.get("ControlAvailable"):
        raise Refused(
            f"this engine is no manager of a Swarm ({found.get('LocalNodeState')}); `docker swarm init`"
            " makes it one, or name a manager with DOCKER_HOST"
        )
    return found


def _config(stack: str, name: str, path: str) -> str:
    content = (ROOT / path).read_text(encoding="utf-8")
    wanted = f"{stack}_{name}_{hashlib.sha256(content.encode()).hexdigest()[:10]}"
    there = docker("config", "ls", "--format", "{{.Name}}").split()
    if wanted not in there:
        labels = (f"{vault.STACK}={stack}", f"{vault.NAME}={name}")
        docker(
            *("config", "create", "--label", labels[0], "--label", labels[1], wanted, "-"),
            given=content,
        )
    return wanted


def services(stack: str) -> list[dict[str, Any]]:
    """As `docker service ls` tells them."""
    label = f"label=com.docker.stack.namespace={stack}"
    found: list[dict[str, Any]] = docker_json(
        "service", "ls", "--filter", label, "--format", "{{json .}}"
    )
    return found


def _wait(stack: str, end: float) -> None:
    """Until every service has all its tasks; says what holds one up when the time is over."""
    told = ""
    while True:
        late = [one for one in services(stack) if not _complete(one)]
        if not late:
            return
        waiting = ", ".join(sorted(one["Name"].removeprefix(f"{stack}_") for one in late))
        if waiting != told:
            say(f"waiting for {waiting}")
            told = waiting
        if time.monotonic() > end:
            raise Late(f"not running: {waiting}. {_errors(late)}")
        time.sleep(1)


def _complete(one: dict[str, Any]) -> bool:
    running, _, wanted = one["Replicas"].split()[0].partition("/")
    if running != wanted:
        return False
    state = docker(
        "service",
        "inspect",
        "--format",
        "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}",
        one["ID"],
    )
    if state.strip() in WRONG:
        raise Refused(f"the update of {one['Name']} was {state.strip()}: {_errors([one])}")
    return state.strip() != "updating"


def _errors(found: list[dict[str, Any]]) -> str:
    told = []
    for one in found:
        tasks = docker_json("service", "ps", "--no-trunc", "--format", "{{json .}}", one["ID"])
        words = next((task["Error"] for task in tasks if task["Error"]), "")
        told.append(
            f"{one['Name']}: {words or 'it is starting still; `docker service logs` tells more'}"
        )
    return "; ".join(told)


def _directions(environ: dict[str, str], host: str, folder: Path) -> dict[str, Any]:
    registry = environ.get("REGISTRY") or f"127.0.0.1:{environ.get('REGISTRY_PORT', '5000')}"
    found = {
        "mlflow": _mlflow_pages(environ, host),
        "registry": registry,
        "passwords": str(folder),
    }
    if environ.get("CONTROLLER_REPLICAS") == "0":
        say("Jenkins   none: CONTROLLER_REPLICAS is 0")
    else:
        found["jenkins"] = environ["JENKINS_URL"]
        say(f"Jenkins   {found['jenkins']} as admin, operator or viewer")
    say(f"MLflow    {found['mlflow']} as pipelines, or reader, who only looks")
    say(f"registry  {found['registry']} as pipelines")
    say(f"passwords {folder}/*_password")
    return found


def _mlflow_pages(environ: Mapping[str, str], host: str) -> str:
    return f"https://{host}:{environ['MLFLOW_PORT']}"


def down(stack: str, seconds: float) -> dict[str, Any]:
    """Volumes, secrets and configs stay, so that `up` goes on from there."""
    end = time.monotonic() + seconds
    if not services(stack):
        raise Refused(f"there is no stack {stack}")
    docker("stack", "rm", stack)
    label = f"label=com.docker.stack.namespace={stack}"
    while services(stack) or docker("network", "ls", "--quiet", "--filter", label).split():
        if time.monotonic() > end:
            raise Late(f"{stack} has not ended within {seconds:g} s")
        time.sleep(1)
    say(f"{stack} has ended; its volumes are kept")
    return {"stack": stack}


def status(stack: str) -> dict[str, Any]:
    found = services(stack)
    if not found:
        raise Refused(f"there is no stack {stack}; `make platform` starts it")
    for one in sorted(found, key=lambda one: str(one["Name"])):
        say(f"{one['Name']:<34} {one['Replicas']:<6} {one['Image']}")
    return {"services": {one["Name"]: one["Replicas"] for one in found}}


def main(arguments: list[str] | None = None) -> int:
    made = plain_parser("platform", __doc__)
    made.add_argument("--stack", default=Outside("PLATFORM_STACK", NAME, "swarmline-platform"))
    made.add_argument("--deadline", type=float, default=1800.0, help="seconds for all of it")
    verbs = made.add_subparsers(dest="verb", required=True)
    for verb in ("up", "down", "status", "backup"):
        verbs.add_parser(verb)
    source = Outside("FROM", PATH, needed="the folder that `make platform-backup` wrote")
    verbs.add_parser("restore").add_argument("folder", nargs="?", default=source)
    options = parsed(made, arguments)
    stack = options.stack
    acts: dict[str, Callable[[], dict[str, Any]]] = {
        "up": lambda: up(stack, build() / "secrets" / "platform", options.deadline),
        "down": lambda: down(stack, options.deadline),
        "status": lambda: status(stack),
        "backup": lambda: backup.backup(stack, build() / "backups", options.deadline),
        "restore": lambda: backup.restore(stack, Path(options.folder), options.deadline),
    }
    return finish(acts[options.verb], options.json)


if __name__ == "__main__":
    sys.exit(main())
