"""How far a scoring is: one line that changes on a terminal, a line now and then in a log. Always on stderr."""

from __future__ import annotations

import sys
import time

#: In a log, at most one line in this many seconds.
LINE_SECONDS = 10.0


def say(text: str) -> None:
    """One line for people."""
    print(("\r\x1b[K" if sys.stderr.isatty() else "") + text, file=sys.stderr, flush=True)


class Progress:
    """Rows of all, if that is known; rows that an earlier try scored count, but not for the pace."""

    def __init__(self, total: int | None, before: int = 0):
        self._total, self._rows, self._before = total, before, before
        self._started = time.monotonic()
        self._told = self._started

    def add(self, rows: int) -> None:
        self._rows += rows
        now = time.monotonic()
        if sys.stderr.isatty():
            print(f"\r\x1b[K{self}", end="", file=sys.stderr, flush=True)
        elif now - self._told >= LINE_SECONDS:
            self._told = now
            say(str(self))

    @property
    def pace(self) -> float:
        """Rows a second of this try."""
        return (self._rows - self._before) / max(time.monotonic() - self._started, 1e-9)

    def __str__(self) -> str:
        share = f" of {self._total:,} ({self._rows / self._total:.0%})" if self._total else ""
        return f"{self._rows:,}{share} rows scored, {self.pace:,.0f} a second"
