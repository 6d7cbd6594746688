"""A time by which something has to be done, and waiting for it until then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from scripts.command.outcome import Late, Stopped, say

T = TypeVar("T")


class Deadline:
    """Begins to run when it is made."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._began = time.monotonic()
        self._end = self._began + seconds

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self._end

    @property
    def elapsed(self) -> float:
        """Seconds since it began, for people."""
        return round(time.monotonic() - self._began, 1)

    def left(self, least: float = 1.0) -> float:
        """Seconds; `least` where there are hardly any, so that what is begun can end."""
        return max(self._end - time.monotonic(), least)

    def wait_for(
        self,
        result: Callable[[], T],
        lack: Callable[[], str],
        step: float = 1.0,
        error: type[Stopped] = Late,
    ) -> T:
        """What `result` returns, once that is true; when the time is over an error with the sentence of `lack`."""
        while not (value := result()):
            if self.passed:
                raise error(lack())
            time.sleep(step)
        return value

    def retry_while(self, lack: Callable[[], str], step: float) -> str:
        """Empty once `lack` is; what it says when the time is over."""
        while (words := lack()) and not self.passed:
            time.sleep(step)
        return words

    def retry(
        self,
        act: Callable[[], T],
        error: type[Exception],
        step: float,
        *,
        words: str = "",
        announcement: str = "",
    ) -> T:
        """What `act` returns, once it raises no such error any more, or none with these words; the last one when the
        time is over."""
        while True:
            try:
                return act()
            except error as failed:
                if self.passed or words not in str(failed):
                    raise
                if announcement:
                    say(f"{announcement}: {failed}")
            time.sleep(step)
