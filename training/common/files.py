"""Files and folders that are there whole or not at all, also for who reads meanwhile and when the writer is killed."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

#: Of Linux' renameat2: both names change places at once.
RENAME_EXCHANGE = 2
AT_FDCWD = -100


def pretty(value: Any) -> bytes:
    """JSON that people read too."""
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


def replace_folder(
    folder: Path, fill: Callable[[Path], None], exchange: int = RENAME_EXCHANGE
) -> None:
    """Has a new folder filled aside, and lets it take the place: a kill leaves the old one or the new one."""
    aside = folder.with_name(f".{folder.name}.next")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        fill(aside)
        if folder.exists():
            _exchange(aside, folder, exchange)
        else:
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def recover(folder: Path) -> None:
    """Brings back what `replace_folder` had put aside when it was killed, where names cannot be exchanged."""
    before = _before(folder)
    if before.is_dir() and not folder.exists():
        before.rename(folder)
    shutil.rmtree(before, ignore_errors=True)


def _exchange(new: Path, old: Path, flag: int) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    places = (AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old))
    if rename is not None and rename(*places, flag) == 0:
        return
    number = errno.ENOSYS if rename is None else ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), str(old))
    # Some network file systems cannot exchange. There a kill between the next two leaves no folder, until `recover`.
    old.rename(_before(old))
    new.rename(old)
    shutil.rmtree(_before(old), ignore_errors=True)


def _before(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")
