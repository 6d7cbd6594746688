"""What an image that stands for a public one is made of.

Each behaves as the image it stands for, as far as stack files and Dockerfiles rely on it: programs, entry point,
users and their numbers, folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Recipe:
    """`variable` names the image to the stack; `files` go in, then `commands` run inside, as root."""

    name: str
    variable: str
    packages: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    before: str = "true"
    commands: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
