"""How a script ends: an exit code that says who must act, one sentence, and with --json one document.

Stopped             ends a script; carries its exit code
├── Refused         1: usage or a precondition; nothing was changed
├── RolledBack      2: the new release was not good; the one before it serves
└── Late            3: the deadline passed; the sentence says what serves
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.command import files

DONE, REFUSED, ROLLED_BACK, LATE = 0, 1, 2, 3


class Stopped(Exception):
    """The message is the reason in one sentence; `facts` join the JSON document; `said`: people have read it."""

    code = REFUSED
    said = False

    def __init__(self, sentence: str, **facts: Any):
        super().__init__(sentence)
        self.facts = facts


class Refused(Stopped):
    pass


class RolledBack(Stopped):
    code = ROLLED_BACK


class Late(Stopped):
    code = LATE


#: By exit code.
KINDS: dict[int, type[Stopped]] = {kind.code: kind for kind in (Refused, RolledBack, Late)}


def say(sentence: str) -> None:
    """Progress and results for people; stdout belongs to the JSON document."""
    # Whoever listened may be gone; what is being put right goes on.
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def finish(act: Callable[[], dict[str, Any]], as_json: bool, outcome: Path | None = None) -> int:
    """Runs a script's act and returns its exit code; prints its facts where JSON is asked for, and
    keeps them in a file for whoever reports."""
    code, facts = DONE, {}
    try:
        facts = act()
    except Stopped as stopped:
        code, facts = stopped.code, {"reason": str(stopped), **stopped.facts}
        if not stopped.said:
            say(f"swarmline: {stopped}")
    if outcome is not None:
        keep(outcome, code, facts)
    if as_json:
        print(files.as_json({"code": code, **facts}), end="")
    return code


def keep(path: Path, code: int, facts: dict[str, Any]) -> None:
    """For whoever reports."""
    files.write_json(path, {"code": code, **facts})
