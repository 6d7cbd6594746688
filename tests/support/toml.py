"""A document as TOML, which the standard library only reads."""

from __future__ import annotations

import json
from typing import Any


def toml(raw: dict[str, Any]) -> str:
    return "\n".join(
        f"{json.dumps(key, ensure_ascii=False)} = {_toml(value)}" for key, value in raw.items()
    )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(
                f"{json.dumps(key, ensure_ascii=False)} = {_toml(item)}"
                for key, item in value.items()
            )
            + " }"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
