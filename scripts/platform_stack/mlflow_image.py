"""MLflow's image, of the lock's group `tracking`, and its bill of materials; where REGISTRY is set, published too.

    python -m scripts.platform_stack mlflow-image [--pull] [--no-cache] [--deadline SECONDS] [--json]

Exit codes: 0 done, 1 refused, 3 deadline.
"""

from __future__ import annotations

import re
from typing import Any

from scripts.command import checkout, files
from scripts.command.checkout import ROOT
from scripts.command.options import parsed, plain_parser
from scripts.command.outcome import Refused, finish, say
from scripts.engine import images
from scripts.image import from_files
from scripts.image.from_files import Recipe
from scripts.stack_file import settings

NAME = "swarmline/mlflow"
LOCK = "requirements/tracking.txt"
#: Each file of the context, and where it comes from.
FILES = {
    "Dockerfile": "jenkins/platform/mlflow.Dockerfile",
    "health.py": "jenkins/platform/mlflow_health.py",
    "requirements.txt": LOCK,
}


def make(seconds: float, pull: bool = False, cache: bool = True) -> dict[str, Any]:
    commit = checkout.last_commit(ROOT, *FILES.values())
    version = _version(checkout.content(LOCK))
    images.need_engine()
    base = settings.base_image(images.BASE_IMAGE)
    recipe = Recipe(NAME, "BASE_IMAGE", base, FILES, version=version)
    tag = from_files.ensure(recipe, seconds, commit=commit, pull=pull, cache=cache)
    place = from_files.write_sbom(tag, commit.time, "mlflow.sbom.cdx.json")
    reference = from_files.push(tag, seconds)
    if not reference:
        return {"image": tag, "sbom": str(place)}
    digest = reference.rpartition("@")[2]
    facts = {"image": reference, "digest": digest, "version": tag, "sbom": str(place)}
    files.write_json(files.release("mlflow.json"), facts)
    say(f"published {reference}")
    return facts


def _version(lock: bytes) -> str:
    match = re.search(rb"^mlflow==([\w.]+)", lock, re.M)
    if match is None:
        raise Refused(f"{LOCK} has no mlflow; run `make lock`")
    return match[1].decode()


def main(arguments: list[str] | None = None) -> int:
    line = plain_parser("platform_stack mlflow-image", __doc__)
    line.add_argument("--pull", action="store_true", help="look for a newer base image")
    line.add_argument("--no-cache", action="store_true", help="build each step again")
    line.add_argument("--deadline", type=float, default=1800.0, help="seconds for docker")
    options = parsed(line, arguments)
    return finish(lambda: make(options.deadline, options.pull, not options.no_cache), options.json)
