"""How a ramp can end."""

from __future__ import annotations

from typing import NamedTuple

from scripts.command.outcome import Late, RolledBack, Stopped


class Kind(NamedTuple):
    """`word` is for programs. `takes_back`: the challenger gets no callers any more. `stopped` has the exit code."""

    word: str
    takes_back: bool
    stopped: type[Stopped]


WORSE = Kind("worse", True, RolledBack)
#: The watch of a step found its replicas bad.
CONDEMNED = Kind("step condemned", True, RolledBack)
STEP_FAILED = Kind("step failed", True, Late)
#: From here on nobody would obey a `stop`: a challenger has callers only as long as somebody does.
AWAY = Kind("monitor away", True, Late)
TOO_FEW = Kind("too few requests", True, Late)
UNDECIDED = Kind("undecided", True, Late)
OVERTAKEN = Kind("overtaken", True, Late)
#: Going back takes minutes, for which whoever ends a process does not wait: the share stays, and that is said.
INTERRUPTED = Kind("interrupted", False, Late)


class End(Exception):
    """Ends a ramp before its promotion; the message is why."""

    def __init__(self, kind: Kind, reason: str):
        self.kind = kind
        super().__init__(reason)
