"""Which arm answers: a small TOML file shares each model between its champion and its challenger.

[quality-classification]
mode = "split"            # or "shadow", or "off"
share = 0.05              # of requests to the challenger
experiment = "2026-01"    # the salt: another name deals subjects anew
"""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

ArmName = Literal["champion", "challenger"]
Mode = Literal["split", "shadow", "off"]
BUCKETS = 10_000


class BadTraffic(ValueError):
    """Names the file, what is wrong in it, and what is allowed."""


class Traffic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one model's requests are shared."""

    mode: Mode = "off"
    share: float = 0.0
    experiment: str = ""

    def pick(self, subject: str | None) -> ArmName:
        """The arm that answers: always the same for a subject, drawn without one."""
        if self.mode != "split":
            return "champion"
        number = bucket(self.experiment, subject) if subject else random.randrange(BUCKETS)
        return "challenger" if number < round(self.share * BUCKETS) else "champion"


def bucket(experiment: str, subject: str) -> int:
    digest = hashlib.sha256(f"{experiment}\0{subject}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def read_traffic(path: Path | None, challenged: Mapping[str, bool]) -> dict[str, Traffic]:
    """Each model's traffic. `challenged` says for each model whether it has a challenger."""
    if path is None:
        return dict.fromkeys(challenged, Traffic())
    try:
        by_model = msgspec.convert(
            tomllib.loads(path.read_text(encoding="utf-8")), dict[str, Traffic]
        )
    except (OSError, ValueError) as error:
        raise BadTraffic(f"TRAFFIC: {path}: {error}") from error
    for model, traffic in by_model.items():
        _check(path, model, traffic, challenged)
    return {model: by_model.get(model, Traffic()) for model in challenged}


def _check(path: Path, model: str, traffic: Traffic, challenged: Mapping[str, bool]) -> None:
    if model not in challenged:
        raise BadTraffic(
            f"TRAFFIC: {path}: there is no model {model}; there are {', '.join(challenged)}"
        )
    if not 0 <= traffic.share <= 1:
        raise BadTraffic(
            f"TRAFFIC: {path}: {model}: share is {traffic.share}; it must be from 0 to 1"
        )
    if traffic.mode != "off" and not challenged[model]:
        raise BadTraffic(
            f"TRAFFIC: {path}: {model} has no challenger; set mode to off or export one"
        )
