"""Ctrl-C and TERM in a command that changes the Swarm: a refusal before, a reason to go back during, nothing after.

While the Swarm is being changed, a signal is only noted, and whoever waits asks for it. An exception that a handler
raises can come up anywhere, also where Python drops it (in `__del__`), and the deploy would go on as if nobody had said
a word.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from scripts.command.outcome import Refused

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Noted:
    """`reason` is empty until a signal came; `changing` says that the command cannot just refuse any more."""

    reason = ""
    changing = False


def reason() -> str:
    """Why to go back, for whoever waits."""
    return _Noted.reason


def no_more() -> None:
    """What is done now must be finished; docker's own processes inherit it."""
    for number in HANDLED:
        signal.signal(number, signal.SIG_IGN)
    _Noted.reason = ""


@contextmanager
def refusing() -> Iterator[None]:
    """Around a whole command. A signal before it changed anything is a refusal like any other; once what it changed is
    proven, or gone back from, only records are left to write, which is finished."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if not _Noted.changing:
            _note(number)
            raise Refused(f"{reason()}, before anything was changed")

    _Noted.changing, _Noted.reason = False, ""
    with handled(stop):
        # Held back while it started: how it ends is said from here on.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        yield


@contextmanager
def going_back() -> Iterator[None]:
    """Ctrl-C and TERM in the middle are a reason to go back like any other; once is enough."""
    _Noted.changing = True
    with handled(lambda number, _frame: _note(number)):
        try:
            yield
        finally:
            _Noted.reason = ""


def _note(number: int) -> None:
    no_more()
    _Noted.reason = f"interrupted by {signal.Signals(number).name}"


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Each signal that ends a command goes to this handler meanwhile."""
    former = {number: signal.signal(number, handler) for number in HANDLED}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)
