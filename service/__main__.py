"""`python -m service`: starts from the environment alone, or says in a sentence why not."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from service.process import metrics
from service.process.folder import shared_folder
from service.settings import BadSettings, Settings, read_settings


def main() -> int:
    # One process a core: a pool of threads in each linear algebra call would only take turns.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        settings = read_settings(os.environ)
    except BadSettings as error:
        return _refuse(error.sentences)
    problems = [problem for problem in (_taken(settings), _no_spool(settings)) if problem]
    if problems:
        return _refuse(problems)
    folder = shared_folder()
    metrics.keep_in(folder)
    # Only after the metrics' place is known may anything that counts be imported.
    from service.app import create_app  # pylint: disable=import-outside-toplevel
    from service.bundle.manifest import BundleError  # pylint: disable=import-outside-toplevel
    from service.predict.traffic import BadTraffic  # pylint: disable=import-outside-toplevel
    from service.process.state import State  # pylint: disable=import-outside-toplevel
    from service.web.keys import BadKeys  # pylint: disable=import-outside-toplevel

    # At a reload new workers stand beside the old, and a signal may add some: a slot is a few bytes.
    state = State(4 * settings.workers + 32)
    try:
        app = create_app(settings, state)
    except (BundleError, BadKeys, BadTraffic) as error:
        return _refuse([f"{error}."])
    _serve(app, settings, state, folder)
    return 0


def _taken(settings: Settings) -> str | None:
    """Why the address cannot be had: Gunicorn would try for seconds, then tell its log alone."""
    host, port = settings.bind
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen()
    except OSError as error:
        return f"BIND is {settings.bind}, which cannot be had ({error.strerror}); choose another."
    return None


def _no_spool(settings: Settings) -> str | None:
    """Why predictions could not be recorded; nobody should find out at the first one."""
    if settings.journal is None:
        return None
    spool = settings.journal.spool
    try:
        spool.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=spool):
            return None
    except OSError as error:
        return (
            f"JOURNAL_SPOOL is {spool}, where nothing can be written ({error.strerror});"
            " name a local folder, or set JOURNAL=off."
        )


def _refuse(sentences: list[str]) -> int:
    for sentence in sentences:
        print(f"cannot start: {sentence}", file=sys.stderr)
    return 1


def _serve(app: Any, settings: Settings, state: Any, folder: Path) -> None:
    from service.process import (  # pylint: disable=import-outside-toplevel
        memory,
        server,
        supervisor,
    )
    from service.process.logs import set_up  # pylint: disable=import-outside-toplevel

    set_up(settings.log_level)
    hooks = supervisor.hooks(app, folder)
    shipper = supervisor.Shipper(settings.journal) if settings.journal is not None else None
    memory.settle()
    server.Application(app, app.quick, settings, state, shipper, **hooks).run()


if __name__ == "__main__":
    sys.exit(main())
