"""A worker for tests: `python -m tests.support.service.journal_writer NAME SPOOL LIMIT [COUNT]`.

It journals under load and prints each request id once `record` has returned True for it, as a worker answers.
A new source comes every few dozen records, as when a model is first asked.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path

from tests.support.service.journal import open_journal, record_quality, settings_for

RECORDS_A_SOURCE = 40


def main(name: str, spool: str, limit: str, total: str = "") -> None:
    journal = open_journal(settings_for(Path(spool).parent, spool_limit=int(limit)))
    for number in range(int(total)) if total else itertools.count():
        arm = f"arm-{number // RECORDS_A_SOURCE}"
        if record_quality(journal, f"{name}-{number}", rows=1 + number % 3, arm=arm):
            if not total:
                # A pace, so that a test without a count ends with thousands of records and not millions.
                time.sleep(0.002)
            os.write(1, f"{name}-{number} {1 + number % 3}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
