"""The monitor's image, named by its files: it holds no bundle, so that a new model does not replace it."""

from __future__ import annotations

import argparse
import os
from typing import Any

from scripts.command import checkout, files
from scripts.command.checkout import ROOT
from scripts.command.options import named_stack
from scripts.command.outcome import Refused, say
from scripts.engine import images
from scripts.image import from_files, imported
from scripts.image.from_files import Recipe
from scripts.stack_file import settings

NAME = "swarmline/monitor"
LOCK, DOCKERFILE = "requirements/monitor.txt", "monitoring/Dockerfile"
#: Where its imports are followed.
PACKAGES = ("outside", "service", "tables", "training")
WRITTEN = "monitor.json"
RUNBOOK = "docs/runbook.md"


def is_wanted() -> bool:
    """Unless MONITORING is off, in the environment or in the stack's file of settings."""
    return settings.outside(named_stack(), "MONITORING", "on") != "off"


def build(options: argparse.Namespace) -> dict[str, Any]:
    """Builds what is not built yet; nothing where monitoring is off."""
    written = files.release(WRITTEN)
    if not is_wanted():
        written.unlink(missing_ok=True)
        say("MONITORING is off: the monitor's image is not built")
        return {}
    recipe = Recipe(NAME, "BASE_IMAGE", settings.base_image(images.BASE_IMAGE), contents())
    commit = checkout.last_commit(ROOT, *recipe.files.values())
    tag = from_files.ensure(
        recipe,
        options.deadline,
        commit=commit,
        pull=options.pull,
        cache=not options.no_cache,
    )
    files.write_json(written, {"image": tag, "commit": commit.name, "created": commit.time})
    return {"image": tag, "sbom": str(write_sbom())}


def contents() -> dict[str, str]:
    """Each file of the context, and where it comes from."""
    code = [name for name in imported.needed_by(ROOT, "monitoring", PACKAGES) if name != DOCKERFILE]
    return {
        "Dockerfile": DOCKERFILE,
        "requirements.txt": LOCK,
        **{f"code/{name}": name for name in code},
        # The pages show it, and lead from each alarm to its entry.
        f"code/{RUNBOOK}": RUNBOOK,
    }


def write_sbom() -> Any:
    """Its bill of materials; nothing where no image of the monitor was built."""
    about = files.read_json(files.release(WRITTEN))
    if not about:
        return None
    return from_files.write_sbom(about["image"], about["created"], "monitor.sbom.cdx.json")


def publish(seconds: float) -> str:
    """Its name by digest, in the registry of the release; empty where it was not built."""
    about = files.read_json(files.release(WRITTEN))
    if not about:
        return ""
    if not images.exists(about["image"]):
        raise Refused(f"the engine has no image {about['image']} (any more); run `make image`")
    reference = images.push(
        about["image"], images.repository(os.environ.get("REGISTRY", ""), NAME), seconds
    )
    say(f"published {reference}")
    return reference
