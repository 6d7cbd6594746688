"""`python -m service`: starts from the environment alone, or says in a sentence why not."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from service.process import metrics
from service.process.faults import find_address_fault, find_folder_fault
from service.process.unloaded import leave_out_unneeded
from service.settings import BadSettings, JournalSettings, Settings, read_settings

if TYPE_CHECKING:
    from service.app import Service
    from service.process.state import State


def main() -> int:
    # One process a core: a pool of threads in each linear algebra call would only take turns.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    leave_out_unneeded()
    try:
        settings = read_settings(os.environ)
    except BadSettings as error:
        return _refuse(error.sentences)
    problems = [
        problem
        for problem in (find_address_fault(settings.bind), _find_spool_fault(settings))
        if problem
    ]
    if problems:
        return _refuse(problems)
    with tempfile.TemporaryDirectory(prefix="swarmline-metrics-", dir=_shared_memory()) as folder:
        metrics.keep_in(Path(folder))
        return _start(settings)


def _shared_memory() -> str | None:
    folder = "/dev/shm"  # nosec B108 # where there is such a folder
    return folder if os.access(folder, os.W_OK) else None


def _start(settings: Settings) -> int:
    # Only once the metrics have a folder may anything that counts be imported.
    from service.app import create_app  # pylint: disable=import-outside-toplevel
    from service.bundle.manifest import BundleError  # pylint: disable=import-outside-toplevel
    from service.predict.traffic import BadTraffic  # pylint: disable=import-outside-toplevel
    from service.process.state import State  # pylint: disable=import-outside-toplevel
    from service.web.keys import BadKeys  # pylint: disable=import-outside-toplevel

    # At a reload new workers stand beside the old, and a signal may add some: a slot is a few bytes.
    state = State(4 * settings.workers + 32)
    try:
        service = create_app(settings, state)
    except (BundleError, BadKeys, BadTraffic) as error:
        return _refuse([f"{error}."])
    _serve(service, settings, state)
    return 0


def _find_spool_fault(settings: Settings) -> str | None:
    """Why predictions could not be recorded; nobody should find out at the first one."""
    if settings.journal is None:
        return None
    advice = "name a local folder, or set JOURNAL=off"
    return find_folder_fault("JOURNAL_SPOOL", settings.journal.spool, advice)


def _refuse(sentences: list[str]) -> int:
    for sentence in sentences:
        print(f"cannot start: {sentence}", file=sys.stderr)
    return 1


def _serve(service: Service, settings: Settings, state: State) -> None:
    # pylint: disable=import-outside-toplevel
    from service.process.logs import set_up
    from service.process.server import Application, WorkerLife, serve
    from service.process.supervisor import Supervisor
    from service.web.refusals import refusal

    set_up(settings.log_level, settings.release)
    # Frozen: no collection writes to what is loaded by now, so none copies it into a worker.
    gc.collect()
    gc.freeze()
    # What a request makes is freed by its reference counts; looking for cycles seldom is enough.
    gc.set_threshold(20_000, 20, 50)
    supervisor = None if settings.journal is None else Supervisor(partial(_ship, settings.journal))
    life = WorkerLife(service.models.open_journal, service.models.close)
    application = Application(service.flask, service.lane.answers_at_once, refusal, life)
    serve(application, settings, state, supervisor)


def _ship(settings: JournalSettings, stop: Event) -> None:
    from service.journal.shipper import ship_forever  # pylint: disable=import-outside-toplevel

    ship_forever(settings, stop)


if __name__ == "__main__":
    sys.exit(main())
