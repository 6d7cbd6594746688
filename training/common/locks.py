"""One at a time on this machine, whatever happens to the process that holds the lock."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator

from training.common import places
from training.common.progress import say


@contextlib.contextmanager
def held(name: str, waiting: str = "") -> Iterator[None]:
    """The lock of a name; where another process has it, `waiting` is said and waited."""
    path = places.build() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def training_alone(model: str) -> contextlib.AbstractContextManager[None]:
    """One training of a model at a time: the second finds what the first one made."""
    return held(model, f"{model}: another training of it is running; waiting for it")
