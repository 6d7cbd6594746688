"""A worker for tests: `python -m tests.service.journal.writer NAME SPOOL LIMIT [COUNT]`.

It journals under load and prints each request id once `record` has returned True for it, as a worker answers.
Its second model is asked late, so that its source stands behind records that may have been shipped.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path

from service.journal import Journal
from tests.service.journal.helpers import open_journal, record_quality, record_yield, settings_for

LATE = 100


def main(name: str, spool: str, limit: str, total: str = "") -> None:
    journal = open_journal(settings_for(Path(spool).parent, spool_limit=int(limit)))
    for number in range(int(total)) if total else itertools.count():
        rows = 1 if _asks_second(number) else 1 + number % 3
        if _record(journal, f"{name}-{number}", number, rows):
            if not total:
                # A pace, so that a test without a count ends with thousands of records and not millions.
                time.sleep(0.0005)
            os.write(1, f"{name}-{number} {rows}\n".encode())


def _asks_second(number: int) -> bool:
    return number >= LATE and number % 4 == 0


def _record(journal: Journal, request_id: str, number: int, rows: int) -> bool:
    if _asks_second(number):
        return record_yield(journal, request_id)
    return record_quality(journal, request_id, rows=rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
