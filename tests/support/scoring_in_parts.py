"""`python -m tests.support.scoring_in_parts FILE WORDS...`: `python -m scoring WORDS...` that waits for a file.

After some parts are written: whoever ends it then does so in the middle, however long he takes for it.
"""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path
from typing import Any

from scoring import unfinished

PARTS = 5


def wait_after_some(go_on: Path) -> None:
    mark_done = unfinished.Unfinished.mark_done
    marked: list[Any] = []

    def mark(self: unfinished.Unfinished, part: Any, done: Any) -> None:
        mark_done(self, part, done)
        marked.append(part)
        while len(marked) == PARTS and not go_on.exists():
            time.sleep(0.02)

    unfinished.Unfinished.mark_done = mark  # type: ignore[method-assign]


if __name__ == "__main__":
    wait_after_some(Path(sys.argv.pop(1)))
    runpy.run_module("scoring", run_name="__main__")
