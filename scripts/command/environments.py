"""Which stack is the staging of which: a release has to be confirmed there before it comes into the other.

One setting says so, `STAGING=NAME`, in the file of settings of the stack that serves callers (the rest of it is
scripts/stack_file/settings.py's); a variable of the environment does not, so that no command can leave it out by
accident. Without it a stack stands for itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from scripts.command import files
from scripts.command.checkout import ROOT
from scripts.command.outcome import Refused

FOLDER = "stack/settings"
STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
ENGINE = re.compile(r"(tcp|ssh|unix)://[A-Za-z0-9@._:/\[\]-]{1,255}")
#: As a line of a file of settings is written.
LINE = re.compile(r"^[ \t]*(STAGING(?:_DOCKER_HOST)?)=['\"]?([^'\"\s]*)['\"]?[ \t]*$", re.MULTILINE)
DEFAULT = "default"


class Staging(NamedTuple):
    """The stack, and the engine of its Swarm where that is another than the production stack's."""

    stack: str
    engine: str = ""


def staging_of(stack: str) -> Staging | None:
    """The stack in which the releases of this one are confirmed first."""
    pairs = _pairs(folder())
    if stack in pairs:
        _refuse_wrong(stack, pairs)
    return pairs.get(stack)


def production_of(stack: str) -> str:
    """The stack whose releases this one confirms; empty where it is nobody's staging."""
    pairs = _pairs(folder())
    owner = next((owner for owner, staging in pairs.items() if staging.stack == stack), "")
    if owner:
        _refuse_wrong(owner, pairs)
    return owner


def is_elsewhere(stack: str) -> bool:
    """Whether a staging stack is in another Swarm than the stack whose releases it confirms."""
    staging = staging_of(production_of(stack))
    return staging is not None and bool(staging.engine)


def secrets_folder(stack: str) -> Path:
    """Where what people need of a stack's secrets is; of a staging stack, a folder of its own."""
    return files.secrets() / stack if production_of(stack) else files.secrets()


def folder() -> Path:
    """Where the files of settings are."""
    return ROOT / (os.environ.get("SWARMLINE_SETTINGS") or FOLDER)


def check(place: Path) -> None:
    """Refuses what the files of settings in a folder say wrongly of each other."""
    pairs = _pairs(place)
    for stack in pairs:
        _refuse_wrong(stack, pairs)


def _refuse_wrong(stack: str, pairs: Mapping[str, Staging]) -> None:
    for wrong in _wrong(stack, *pairs[stack], pairs):
        raise Refused(f"{stack}.env: STAGING={pairs[stack].stack}: {wrong}")


def _wrong(stack: str, staging: str, engine: str, pairs: Mapping[str, Staging]) -> Iterator[str]:
    if engine and not ENGINE.fullmatch(engine):
        yield "STAGING_DOCKER_HOST is no address of an engine, as tcp://host:2376"
    if not STACK_NAME.fullmatch(staging):
        yield "is no stack's name: letters, digits, dots, _ and -, 63 at most"
    if staging == stack:
        yield "a stack cannot be its own staging"
    elif staging in pairs:
        yield f"{staging} has a STAGING of its own, and two stacks in a row are all there can be"
    if [other.stack for other in pairs.values()].count(staging) > 1:
        yield f"{staging} is the staging of another stack already"


def _pairs(place: Path) -> dict[str, Staging]:
    """Each stack whose file names a staging, and that."""
    pairs: dict[str, Staging] = {}
    for file in sorted(place.glob("*.env")):
        said = dict(LINE.findall(file.read_text(encoding="utf-8")))
        staging, engine = (
            "" if said.get(name) == DEFAULT else said.get(name, "")
            for name in ("STAGING", "STAGING_DOCKER_HOST")
        )
        if staging:
            pairs[file.stem] = Staging(staging, engine)
    return pairs
