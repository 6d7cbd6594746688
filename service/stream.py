"""WebSocket."""
from __future__ import annotations
from typing import Any
def add_routes(app: Any, core: Any) -> None:
    pass
