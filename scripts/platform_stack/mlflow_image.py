"""MLflow's image, of the lock's group `tracking`, and its bill of materials; where REGISTRY is set, published too.

    python -m scripts.platform_stack.mlflow_image [--pull] [--no-cache] [--deadline SECONDS] [--json]

Exit codes: 0 done, 1 refused, 3 deadline.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.command import checkout
from scripts.command.options import build, parsed, plain_parser
from scripts.command.outcome import Refused, finish, say
from scripts.engine import images
from scripts.image import context, sbom
from scripts.stack_file import settings

NAME = "swarmline/mlflow"
ROOT = Path(__file__).parents[2]
#: Each file of the context, and where it comes from.
FILES = {
    "Dockerfile": "jenkins/mlflow.Dockerfile",
    "health.py": "jenkins/mlflow_health.py",
    "requirements.txt": "requirements/tracking.txt",
}


def make(options: argparse.Namespace) -> dict[str, Any]:
    commit = checkout.last_commit(ROOT, *FILES.values())
    contents = {name: _content(path) for name, path in FILES.items()}
    images.reachable()
    base = settings.base_image(images.BASE_IMAGE)
    identity = images.base(base, options.pull, options.deadline).identity
    tag = f"{NAME}:{_version(contents['requirements.txt'])}-{_hash(identity, contents)}"
    if options.no_cache or not images.exists(tag):
        _build(tag, base, commit, contents, options)
        over = images.size(tag) - images.size(base)
        say(f"{tag}: built; {over / 1e6:.0f} MB on top of its base")
    else:
        say(f"{tag}: unchanged")
    found = {"image": tag, "sbom": str(_write_sbom(tag, commit))}
    return found | _published(found, options.deadline)


def _write_sbom(tag: str, commit: checkout.Commit) -> Path:
    """As old as what it is built from, so that the same image has the same bill."""
    created = datetime.fromtimestamp(commit.seconds, UTC).isoformat()
    bill = sbom.document(NAME, tag.rpartition(":")[2], created, sbom.ask(tag), {})
    return _write("mlflow.sbom.cdx.json", bill)


def _write(name: str, document: dict[str, Any]) -> Path:
    place = build() / "release" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(context.pretty(document))
    return place


def _build(
    tag: str,
    base: str,
    commit: checkout.Commit,
    contents: dict[str, bytes],
    options: argparse.Namespace,
) -> None:
    folder = build() / "mlflow-image"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    context.even(folder)
    labels = {
        "org.opencontainers.image.title": NAME,
        "org.opencontainers.image.version": tag.rpartition(":")[2],
        "org.opencontainers.image.revision": commit.name + ("-dirty" if commit.dirty else ""),
        "org.opencontainers.image.source": checkout.origin(ROOT),
        "org.opencontainers.image.licenses": "Apache-2.0",
    }
    arguments = {"BASE_IMAGE": base, "SOURCE_DATE_EPOCH": str(commit.seconds)}
    images.build(
        *(folder, tag, arguments, {name: value for name, value in labels.items() if value}),
        seconds=options.deadline,
        cache=not options.no_cache,
    )


def _published(made: dict[str, str], seconds: float) -> dict[str, str]:
    registry, tag = os.environ.get("REGISTRY", ""), made["image"]
    if not registry:
        return {}
    reference = images.push(tag, images.repository(registry, NAME), seconds)
    found = {"image": reference, "digest": reference.rpartition("@")[2], "version": tag}
    _write("mlflow.json", {**found, "sbom": made["sbom"]})
    say(f"published {reference}")
    return found


def _content(path: str) -> bytes:
    try:
        return (ROOT / path).read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}); build from a checkout") from error


def _version(lock: bytes) -> str:
    match = re.search(rb"^mlflow==([\w.]+)", lock, re.M)
    if match is None:
        raise Refused("requirements/tracking.txt has no mlflow; run `make lock`")
    return match[1].decode()


def _hash(identity: str, contents: dict[str, bytes]) -> str:
    found = hashlib.sha256(identity.encode())
    for name in sorted(contents):
        found.update(f"{name}\0{len(contents[name])}\0".encode() + contents[name])
    return found.hexdigest()[:10]


def main(arguments: list[str] | None = None) -> int:
    made = plain_parser("mlflow_image", __doc__)
    made.add_argument("--pull", action="store_true", help="look for a newer base image")
    made.add_argument("--no-cache", action="store_true", help="build each step again")
    made.add_argument("--deadline", type=float, default=1800.0, help="seconds for docker")
    options = parsed(made, arguments)
    return finish(lambda: make(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
