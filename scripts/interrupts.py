"""Ctrl-C and its like in the middle of a deploy: a reason to go back, told once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from scripts.progress import Bad

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def no_more() -> None:
    """What is done now must be finished; docker's own processes inherit it."""
    for one in HANDLED:
        signal.signal(one, signal.SIG_IGN)


@contextmanager
def told() -> Iterator[None]:
    """Ctrl-C and TERM in the middle are a reason to go back like any other; once is enough."""

    def stop(number: int, _frame: FrameType | None) -> None:
        no_more()
        raise Bad(f"interrupted by {signal.Signals(number).name}")

    former = {one: signal.signal(one, stop) for one in HANDLED}
    try:
        yield
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)
