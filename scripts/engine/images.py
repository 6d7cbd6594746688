"""Images on this engine: fetched, staged, built and published, through the docker command."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from scripts.command.outcome import Refused, say
from scripts.engine.docker import DockerError, docker, docker_json, docker_shown

BASE_IMAGE = "python:3.11-slim-bookworm"
#: Given to a build where they are set: pip's own, and the proxies that docker knows by itself.
PASSED_ON = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
REGISTRY = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*")
DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")


#: 1980, as in the Dockerfile, which makes all files of that age; staged ones are of the 30 years from then.
AGE, AGES = 315532800, 30 * 365 * 86400


class Base(NamedTuple):
    """The image to build on. `identity` tells two images of one name apart."""

    name: str
    identity: str


def need_engine() -> None:
    """Refuses where no engine answers, before anything else is tried."""
    docker("version", "--format", "{{.Server.Version}}", seconds=20)


def exists(image: str) -> bool:
    try:
        docker("image", "inspect", "--format", "{{.Id}}", image)
    except DockerError as error:
        if "no such image" in error.words.lower():
            return False
        raise
    return True


def base(name: str, pull: bool, seconds: float) -> Base:
    """The image to build on, fetched if it is not here; identified by its layers."""
    if pull or not exists(name):
        say(f"fetching the base image {name}")
        try:
            docker("pull", "--quiet", name, seconds=seconds)
        except DockerError as error:
            raise Refused(
                f"the base image {name} cannot be had ({error.words}); name one that this machine"
                " reaches with BASE_IMAGE"
            ) from error
    layers = docker_json("image", "inspect", name)[0]["RootFS"]["Layers"]
    return Base(name, "sha256:" + hashlib.sha256(json.dumps(layers).encode()).hexdigest())


def stage(folder: Path, contents: Mapping[str, bytes]) -> None:
    """The build context, from nothing: only what is listed here can get into an image."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    _even(folder)


def _even(folder: Path) -> None:
    """The same modes and ages, whatever the umask and the clock of who stages.

    A file's age comes from its content: BuildKit takes one of the same size and age for one that it has already.
    """
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.suffix == ".sh" else 0o644)
        age = AGE if path.is_dir() else AGE + zlib.crc32(path.read_bytes()) % AGES
        os.utime(path, (age, age))


def size(image: str) -> int:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def build(
    folder: Path,
    tag: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    *,
    seconds: float,
    cache: bool = True,
) -> None:
    """Docker's own words go to stderr, for people."""
    words = ["build", "--tag", tag, *([] if cache else ["--no-cache"])]
    if network := os.environ.get("BUILD_NETWORK"):
        words += ["--network", network]
    for name in PASSED_ON:
        # Without a value docker takes it from the environment: no secret gets into a process list.
        words += ["--build-arg", name] if os.environ.get(name) else []
    for name, value in arguments.items():
        words += ["--build-arg", f"{name}={value}"]
    for name, value in labels.items():
        words += ["--label", f"{name}={value}"]
    # What a builder attests by itself has the time of the build in it: the image would be another each time.
    environ = {
        "DOCKER_BUILDKIT": os.environ.get("DOCKER_BUILDKIT", "1"),
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }
    docker_shown(*words, str(folder), environ=environ, seconds=seconds)


def standard_labels(title: str, version: str, commit: str, source: str) -> dict[str, str]:
    """As the Open Container Initiative names them; `source` is left out where it is not known."""
    facts = {
        "title": title,
        "version": version,
        "revision": commit,
        "source": source,
        "licenses": "Apache-2.0",
    }
    return {f"org.opencontainers.image.{name}": fact for name, fact in facts.items() if fact}


def repository(registry: str, name: str) -> str:
    """`name` in the registry that the environment names."""
    if not registry:
        raise Refused(
            "REGISTRY is not set; name where to publish as host:port or host/path, as in"
            " `make publish REGISTRY=registry.example.org`"
        )
    if not REGISTRY.fullmatch(registry):
        raise Refused(f"REGISTRY is {quote(registry)!r}; it must be host:port or host/path")
    return f"{registry}/{name}"


def push(tag: str, place: str, seconds: float) -> str:
    """Publishes a local image there; its name by digest."""
    there = f"{place}:{tag.rpartition(':')[2]}"
    docker("tag", tag, there)
    say(f"publishing {there}")
    try:
        words = docker("push", there, seconds=seconds)
    except DockerError as error:
        words = error.words.rpartition("\n")[2] or "docker gave no reason"
        raise Refused(
            f"{there} could not be published ({words}); is the registry up,"
            " and are you logged in to it (`docker login`)?"
        ) from error
    digest = DIGEST.search(words)
    if digest is None:
        raise Refused(f"docker published {there} and named no digest: {words.strip()[-200:]}")
    return f"{place}@{digest[1]}"
