"""What the targets of a build leave behind, and the mail that is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.ci import notify

TRAINING = {
    "model": "yield",
    "version": "3",
    "status": "trained",
    "candidate": "linear",
    "metrics": {"r2": 0.91},
    "champion": {"r2": 0.9},
    "gates": [{"rule": "r2 >= 0.95", "value": 0.91, "bound": 0.95, "passed": False}],
}


def put(place: Path, name: str, content: Any) -> None:
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def mail(place: Path) -> str:
    assert notify.main([]) == 0
    return (place / "report/mail.txt").read_text(encoding="utf-8")
