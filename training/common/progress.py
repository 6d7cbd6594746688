"""Long work says how far it is: a bar on a terminal, plain lines in a log. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
#: In a log, at most one line in this many seconds, besides the first and the last.
LINE_SECONDS = 10.0


def say(text: str) -> None:
    """One line for people; does not tear a bar apart."""
    tqdm.write(text, file=sys.stderr)


def steps(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """The items, as they are asked for, with progress."""
    if sys.stderr.isatty():
        yield from tqdm(items, desc=label, total=total, file=sys.stderr, leave=False)
        return
    started = last = time.monotonic()
    for number, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if number == total or now - last >= LINE_SECONDS:
            last = now
            say(f"{label}: {number} of {total}, {now - started:.0f} s")
