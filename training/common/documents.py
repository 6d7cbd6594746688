"""Files that people read too: each whole or not there."""

from pathlib import Path
from typing import Any

import msgspec


def pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file aside and renames it: who reads it meanwhile, or after a full disk, has the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.unfinished")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
