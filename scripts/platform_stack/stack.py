"""The platform: Jenkins, MLflow and a registry, as the stack of jenkins/platform.yml.

`up` makes secrets, configs and images, deploys, waits until everything runs, and says where. Variables of the
environment set what jenkins/platform.yml lists.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.command import checkout
from scripts.command.checkout import ROOT
from scripts.command.deadline import Deadline
from scripts.command.outcome import Late, Refused, say
from scripts.engine import images, secrets_and_configs, stacks, swarm
from scripts.engine.docker import docker, docker_json
from scripts.platform_stack import credentials
from scripts.platform_stack.images import image_variables

FILE = ROOT / "jenkins/platform.yml"
ENCRYPTED = ROOT / "jenkins/platform/encrypted.yml"
CONFIGS = {"gate": "jenkins/platform/gate.cfg", "engine": "jenkins/platform/engine.cfg"}
#: Services with a volume stay where it is: on this node, unless told otherwise.
CONSTRAINTS = ("CONTROLLER", "AGENT", "MLFLOW", "REGISTRY")
WRONG = ("paused", "rollback_started", "rollback_paused", "rollback_completed")


def up(stack: str, folder: Path, seconds: float) -> dict[str, Any]:
    deadline = Deadline(seconds)
    images.need_engine()
    node = _node()
    environ = {name: value for name, value in os.environ.items() if value}
    host = environ.get("PLATFORM_HOST", node["NodeAddr"])
    _set_defaults(environ, host, node["NodeID"])
    environ |= credentials.ensure(stack, folder, host)
    environ |= {
        f"{name.upper()}_CONFIG": secrets_and_configs.ensure_config(
            stack, name, (ROOT / path).read_text(encoding="utf-8")
        )
        for name, path in CONFIGS.items()
    }
    environ |= image_variables(environ, deadline.left())
    files = [FILE, *([ENCRYPTED] if environ.get("NETWORK_ENCRYPTED") == "on" else [])]
    named = [part for file in files for part in ("--compose-file", str(file))]
    deploy = ("stack", "deploy", *named, "--resolve-image", "never")
    docker(*deploy, "--with-registry-auth", "--detach=true", stack, environ=environ)
    _wait(stack, deadline)
    return directions(environ, host, folder)


def _set_defaults(environ: dict[str, str], host: str, node: str) -> None:
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
    facts: dict[str, Any] = docker_json("info", "--format", "{{json .Swarm}}")[0]
    if not facts.get("ControlAvailable"):
        raise Refused(
            f"this engine is no manager of a Swarm ({facts.get('LocalNodeState')}); `docker swarm init`"
            " makes it one, or name a manager with DOCKER_HOST"
        )
    return facts


def services(stack: str) -> list[dict[str, Any]]:
    """As `docker service ls` tells them."""
    flags = ("--filter", swarm.of_stack(stack), "--format", "{{json .}}")
    return list(docker_json("service", "ls", *flags))


def _wait(stack: str, deadline: Deadline) -> None:
    """Until every service has all its tasks; says what holds one up when the time is over."""
    said = ""
    while late := [service for service in services(stack) if not _is_complete(service)]:
        if deadline.passed:
            raise Late(f"not running: {'; '.join(_errors(late))}")
        if (waiting := ", ".join(sorted(_names(stack, late)))) != said:
            say(f"waiting for {waiting}")
            said = waiting
        time.sleep(1.0)


def _names(stack: str, late: list[dict[str, Any]]) -> Iterator[str]:
    """Each with the Swarm's word about it, if there is one: a port that is taken will not be free by waiting."""
    for service in late:
        words = _error(service)
        yield service["Name"].removeprefix(f"{stack}_") + (f" ({words})" if words else "")


def _is_complete(service: dict[str, Any]) -> bool:
    running, _, wanted = service["Replicas"].split()[0].partition("/")
    if running != wanted:
        return False
    template = "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}"
    state = docker("service", "inspect", "--format", template, service["ID"]).strip()
    if state in WRONG:
        raise Refused(
            f"the update of {service['Name']} was {state}: {'; '.join(_errors([service]))}"
        )
    return state != "updating"


def _errors(late: list[dict[str, Any]]) -> Iterator[str]:
    for service in late:
        words = _error(service) or "it is starting still; `docker service logs` tells more"
        yield f"{service['Name']}: {words}"


def _error(service: dict[str, Any]) -> str:
    """What the Swarm said last of one of its tasks, if anything."""
    tasks = docker_json("service", "ps", "--no-trunc", "--format", "{{json .}}", service["ID"])
    return next((task["Error"] for task in tasks if task["Error"]), "")


def directions(environ: dict[str, str], host: str, folder: Path) -> dict[str, Any]:
    registry = environ.get("REGISTRY") or f"127.0.0.1:{environ.get('REGISTRY_PORT', '5000')}"
    places = {
        "mlflow": _mlflow_pages(environ, host),
        "registry": registry,
        "passwords": str(folder),
    }
    if environ.get("CONTROLLER_REPLICAS") == "0":
        say("Jenkins   none: CONTROLLER_REPLICAS is 0")
    else:
        places["jenkins"] = environ["JENKINS_URL"]
        say(f"Jenkins   {places['jenkins']} as admin, operator or viewer")
    say(f"MLflow    {places['mlflow']} as pipelines, or reader, who only looks")
    say(f"registry  {places['registry']} as pipelines")
    say(f"passwords {folder}/*_password")
    return places


def _mlflow_pages(environ: Mapping[str, str], host: str) -> str:
    return f"https://{host}:{environ['MLFLOW_PORT']}"


def down(stack: str, seconds: float) -> dict[str, Any]:
    """Volumes, secrets and configs stay, so that `up` goes on from there."""
    if not services(stack):
        raise Refused(f"there is no stack {stack}")
    stacks.remove(stack, Deadline(seconds))
    say(f"{stack} has ended; its volumes are kept")
    return {"stack": stack}


def status(stack: str) -> dict[str, Any]:
    rows = services(stack)
    if not rows:
        raise Refused(f"there is no stack {stack}; `make platform` starts it")
    for service in sorted(rows, key=lambda service: str(service["Name"])):
        say(f"{service['Name']:<34} {service['Replicas']:<6} {service['Image']}")
    return {"services": {service["Name"]: service["Replicas"] for service in rows}}
