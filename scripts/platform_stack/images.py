"""The images of the platform: controller, agent and MLflow, built where they are not given and not there already."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from scripts.command.options import build
from scripts.command.outcome import Refused, say
from scripts.engine import images as builder
from scripts.platform_stack import mlflow_image

ROOT = Path(__file__).parents[2]
JENKINS_BASE = "jenkins/jenkins:2.568.2-lts-jdk21"
AGENT_BASE = "python:3.11-slim-trixie"
CONTROLLER_FILES = {
    "Dockerfile": "jenkins/Dockerfile",
    **{name: f"jenkins/{name}" for name in ("plugins.txt", "casc.yaml", "jobs.groovy")},
}
AGENT_FILES = {
    "Dockerfile": "jenkins/agent.Dockerfile",
    **{name: name for name in ("requirements/uv.txt", "jenkins/agent.sh")},
}
#: Arguments of agent.Dockerfile that the environment may set.
AGENT_ARGUMENTS = ("JAVA_PACKAGE", "DOCKER_PACKAGES", "TEST_PACKAGES")


def images(environ: Mapping[str, str], seconds: float) -> dict[str, str]:
    """The variables of jenkins/platform.yml that name them. One with no replicas is not built."""
    controller, agent = environ.get("JENKINS_BASE", JENKINS_BASE), environ.get(
        "AGENT_BASE", AGENT_BASE
    )
    return {
        "CONTROLLER_IMAGE": environ.get("CONTROLLER_IMAGE")
        or _unless_off(environ, "CONTROLLER", controller)
        or _made("controller", CONTROLLER_FILES, {"JENKINS_BASE": controller}, seconds),
        "AGENT_IMAGE": environ.get("AGENT_IMAGE")
        or _unless_off(environ, "AGENT", agent)
        or _made("agent", AGENT_FILES, {"AGENT_BASE": agent, **_given(environ)}, seconds),
        "MLFLOW_IMAGE": environ.get("MLFLOW_IMAGE") or _mlflow(seconds),
    }


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in AGENT_ARGUMENTS if name in environ}


def _unless_off(environ: Mapping[str, str], service: str, base: str) -> str:
    return base if environ.get(f"{service}_REPLICAS") == "0" else ""


def _mlflow(seconds: float) -> str:
    asked = argparse.Namespace(pull=False, no_cache=False, deadline=seconds)
    return str(mlflow_image.make(asked)["image"])


def _made(name: str, files: Mapping[str, str], arguments: Mapping[str, str], seconds: float) -> str:
    """Named by what goes in, so that what has not changed is there already."""
    contents = {place: _content(source) for place, source in files.items()}
    (base,) = (value for key, value in arguments.items() if key.endswith("_BASE"))
    found = builder.base(base, False, seconds)
    tag = f"swarmline/{name}:{_hash(found.identity, arguments, contents)}"
    if not builder.exists(tag):
        folder = build() / "platform" / name
        _stage(folder, contents)
        builder.build(folder, tag, arguments, {}, seconds=seconds)
    say(f"{tag}: there")
    registry = os.environ.get("REGISTRY", "")
    if not registry:
        return tag
    return builder.push(tag, builder.repository(registry, f"swarmline/{name}"), seconds)


def _stage(folder: Path, contents: Mapping[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for place, content in contents.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if place.endswith(".sh") else 0o644)


def _content(source: str) -> bytes:
    try:
        return (ROOT / source).read_bytes()
    except OSError as error:
        raise Refused(f"{source} cannot be read ({error.strerror}); work in a checkout") from error


def _hash(identity: str, arguments: Mapping[str, str], contents: Mapping[str, bytes]) -> str:
    found = hashlib.sha256(repr([identity, sorted(arguments.items())]).encode())
    for place, content in sorted(contents.items()):
        found.update(f"{place}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:12]
