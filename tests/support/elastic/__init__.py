"""What Elastic publishes, as data: the fields of ECS with their types, from npm's @elastic/ecs (Apache-2.0)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ECS: dict[str, Any] = json.loads((Path(__file__).parent / "ecs-9.4.0.json").read_text())
