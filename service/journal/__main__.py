"""The shipper as a process: `python -m service.journal`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from service.journal.shipper import ship_forever
from service.settings import BadSettings, read_journal_settings


def main() -> int:
    """Ships until TERM or INT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = read_journal_settings(os.environ)
    except BadSettings as error:
        print(error, file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ship_forever(settings, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
