"""A release: its name and document, made from what goes into an image, and read back from the image itself.

The name comes from the content alone, so the same inputs are the same release. Read from the image, a release can be
deployed from any machine that reaches a manager: no build folder is needed, nor MLflow.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from scripts.command import checkout, files
from scripts.command.outcome import Refused
from scripts.engine.docker import DockerError, docker, docker_json
from scripts.engine.images import Base
from scripts.image import exported
from scripts.image.context import DOCKERFILE, ImageInputs

DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")
DOCUMENT = "/app/release.json"
Document = dict[str, Any]


class Release(NamedTuple):
    """`golden` is by model and arm, each with its version."""

    image: str
    name: str
    document: dict[str, Any]
    golden: dict[str, dict[str, Any]]


def describe(inputs: ImageInputs, base: Base) -> Document:
    """The release: its name is the day of its newest part and a hash of all that follows."""
    paths = ("service", inputs.lock, *inputs.own_code)
    commit = checkout.last_commit(inputs.root, *paths)
    models: dict[str, dict[str, Any]] = {}
    for bundle in inputs.shipped:
        models.setdefault(bundle.model, {})[bundle.arm] = bundle.describe()
    document: Document = {
        "created": _newest(commit.seconds, inputs.shipped).isoformat(),
        "commit": commit.name,
        "dirty": commit.dirty,
        "code": _hash(inputs.root, [*inputs.code, *inputs.own_code, DOCKERFILE]),
        "lock": _hash(inputs.root, [inputs.lock]),
        "base": base.name,
        "base_layers": base.identity,
        "models": models,
    }
    content = json.dumps(document, sort_keys=True).encode()
    day = document["created"][:10].replace("-", "")
    return {"release": f"{day}-{hashlib.sha256(content).hexdigest()[:10]}", **document}


def _newest(seconds: int, shipped: Iterable[exported.Bundle]) -> datetime:
    """Not the time of the build: that would make each one another release."""
    times = [datetime.fromtimestamp(seconds, UTC)]
    for bundle in shipped:
        text = str(bundle.manifest.get("created", ""))
        try:
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise Refused(
                f"{bundle.folder}: manifest.json was created {text!r}, which is no time; export again"
            ) from error
        times.append(time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC))
    return max(times).replace(microsecond=0)


def _hash(root: Path, names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(names):
        content = (root / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def image_named(text: str | None) -> str:
    """The image to deploy: as it is said, or as published last."""
    image = text or os.environ.get("MODEL_IMAGE") or _published()
    if not DIGEST.fullmatch(image):
        raise Refused(
            f"{image} names no digest; an image is deployed as registry/name@sha256:... only,"
            " since a tag may be another image tomorrow; `make publish` prints it"
        )
    return image


def _published() -> str:
    place = files.release("image.json")
    try:
        return str(json.loads(place.read_bytes())["image"])
    except FileNotFoundError as error:
        raise Refused(
            "which image? Name it with MODEL_IMAGE=registry/name@sha256:..., or `make publish` first"
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise Refused(f"{place} is not what `make publish` writes: {error!r}") from error


def read(image: str, seconds: float) -> Release:
    """Has the manager pull the image, so that it is proven to be there, and reads what is in it."""
    try:
        docker("pull", "--quiet", image, seconds=seconds)
    except DockerError as error:
        raise Refused(f"{image} cannot be pulled: {error.words}") from error
    (facts,) = docker_json("image", "inspect", image)
    labels = facts["Config"].get("Labels") or {}
    environ = dict(line.split("=", 1) for line in facts["Config"].get("Env") or [] if "=" in line)
    with _copied(image) as copy:
        document = copy(DOCUMENT)
        bundles = environ.get("BUNDLES", "/app/bundles")
        golden = {
            model: {
                arm: {"version": about["version"], "golden": copy(_place(bundles, model, about))}
                for arm, about in arms.items()
            }
            for model, arms in document["models"].items()
        }
    release = document["release"]
    if labels.get("swarmline.release") != release:
        raise Refused(
            f"{image} is labelled {labels.get('swarmline.release')}, and its {DOCUMENT} says {release};"
            " build it with `make image`"
        )
    return Release(image, release, document, golden)


def _place(bundles: str, model: str, about: dict[str, Any]) -> str:
    return f"{bundles}/{model}/{about['version']}/golden.json"


@contextmanager
def _copied(image: str) -> Iterator[Any]:
    """A function that reads JSON files of the image; its container is never started."""
    container = docker("create", "--network", "none", image).strip()
    try:
        with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
            yield lambda path: _file(container, path, Path(folder))
    finally:
        docker("rm", "--volumes", container)


def _file(container: str, path: str, folder: Path) -> Any:
    target = folder / "file"
    try:
        docker("cp", f"{container}:{path}", str(target))
        return json.loads(target.read_bytes())
    except DockerError as error:
        raise Refused(f"the image has no {path}: it is none of `make image`") from error
    except ValueError as error:
        raise Refused(f"{path} of the image is no JSON: {error}") from error
