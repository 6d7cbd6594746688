"""JSON files that people read too."""

from typing import Any

import msgspec


def pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
