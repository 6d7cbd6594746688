"""Ctrl-C and TERM, which end a training: raised where they arrive, and once more where a library swallowed them.

What arrives while a destructor runs, of a library or of Python's own, is printed by the interpreter and forgotten.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any

_received: list[int] = []


def listen() -> None:
    """A build that is aborted gets TERM: it ends as by Ctrl-C, with the run marked as failed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise)
    sys.unraisablehook = _tell_unraisable


def heed() -> None:
    """Raises what arrived and was swallowed; long work asks between its parts."""
    if _received:
        raise KeyboardInterrupt


def _raise(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt


def _tell_unraisable(unraisable: Any) -> None:
    # An interruption is raised again by `heed`: nobody needs its traceback.
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
