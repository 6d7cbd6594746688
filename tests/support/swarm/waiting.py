"""Waits for what an engine says: each question is a docker command, and is asked less often than a cheap one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.support import machine

#: The pause after a question is so many times as long as it took, up to so many seconds: else waiting takes a core from
#: what is waited for.
TIMES, LONGEST = 4, 1.0


def wait_until(
    condition: Callable[[], Any], what: str, seconds: float = 60, step: float = 0.05
) -> Any:
    """What the condition says once it is true; `what` names it when it does not become true."""

    def rested() -> Any:
        asked = time.monotonic()
        value = condition()
        if not value:
            time.sleep(min(LONGEST, TIMES * (time.monotonic() - asked)))
        return value

    return machine.wait_until(rested, what, seconds, step)
