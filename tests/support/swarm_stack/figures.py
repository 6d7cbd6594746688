"""What was measured on the way, kept in build/reports/swarm.json to be quoted."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from tests.support import ROOT

PLACE = ROOT / "build/reports/swarm.json"


def note(event: str, **measured: Any) -> None:
    """The last figures of an event replace those before."""
    known = json.loads(PLACE.read_bytes()) if PLACE.exists() else {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    known[event] = {"at": at, "cores": os.cpu_count(), **measured}
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    PLACE.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
