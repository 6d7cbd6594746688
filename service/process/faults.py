"""What a process would fail at once it runs, found before it starts; each in a sentence, or none."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from service.readers import Address


def find_address_fault(bind: Address) -> str | None:
    """Why the address cannot be had: Gunicorn would try for seconds, then tell its log alone."""
    host, port = bind
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen()
    except OSError as error:
        return f"BIND is {bind}, which cannot be had ({error.strerror}); choose another."
    return None


def find_folder_fault(name: str, folder: Path, advice: str) -> str | None:
    """Why nothing could be kept there; `name` is the setting that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"{name} is {folder}, where nothing can be written ({error.strerror}); {advice}."
