"""A shipper for tests: `python -m tests.support.service.journal_shipper` ships until TERM (JOURNAL_*)."""

from __future__ import annotations

import os
import signal
import threading

from service.journal.shipper import ship_forever
from service.settings import read_settings


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = read_settings(os.environ | {"BUNDLES": "."}).journal
    assert settings is not None
    ship_forever(settings, stop)


if __name__ == "__main__":
    main()
