"""An image that is named by the files in it: built where it is not there already, pushed where there is a registry."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from scripts.command import checkout, files
from scripts.command.checkout import ROOT
from scripts.command.outcome import say
from scripts.engine import images
from scripts.image import sbom

NOTHING: Mapping[str, str] = MappingProxyType({})


class Recipe(NamedTuple):
    """`files` says where in this checkout each file of the context comes from. All of it goes into the image's name."""

    name: str
    base_argument: str
    base: str
    files: Mapping[str, str]
    arguments: Mapping[str, str] = NOTHING
    version: str = ""


def ensure(
    recipe: Recipe,
    seconds: float,
    *,
    commit: checkout.Commit | None = None,
    pull: bool = False,
    cache: bool = True,
) -> str:
    """The image's name on this engine. The commit is on it, and another build of the same may have another."""
    contents = {place: checkout.content(source) for place, source in recipe.files.items()}
    base = images.base(recipe.base, pull, seconds)
    version = "-".join(filter(None, (recipe.version, _hash(recipe, base, contents))))
    tag = f"{recipe.name}:{version}"
    if cache and images.exists(tag):
        say(f"{tag}: unchanged")
        return tag
    folder = files.build() / "images" / recipe.name
    images.stage(folder, contents)
    arguments = {recipe.base_argument: base.name, **recipe.arguments}
    labels = {"org.opencontainers.image.version": version}
    if commit is not None:
        arguments["SOURCE_DATE_EPOCH"] = str(commit.seconds)
        labels = images.standard_labels(recipe.name, version, commit.stated, checkout.origin(ROOT))
    images.build(folder, tag, arguments, labels, seconds=seconds, cache=cache)
    over = images.size(tag) - images.size(base.name)
    say(f"{tag}: built; {over / 1e6:.0f} MB on top of its base")
    return tag


def push(tag: str, seconds: float) -> str:
    """Its name by digest in the registry that the environment names; empty where it names none."""
    registry = os.environ.get("REGISTRY", "")
    if not registry:
        return ""
    return images.push(tag, images.repository(registry, tag.partition(":")[0]), seconds)


def write_sbom(tag: str, created: str, file: str) -> Path:
    """Its bill of materials; the same image has the same one."""
    name, _, version = tag.partition(":")
    bill = sbom.document(name, version, created, sbom.ask(tag), {})
    return files.write_json(files.release(file), bill)


def _hash(recipe: Recipe, base: images.Base, contents: Mapping[str, bytes]) -> str:
    facts = [base.identity, sorted(recipe.arguments.items())]
    digest = hashlib.sha256(repr(facts).encode())
    for place, content in sorted(contents.items()):
        digest.update(f"{place}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]
