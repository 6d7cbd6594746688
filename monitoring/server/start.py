"""The verbs that run processes: `serve`, and `judge` and `show`, of which it consists; and `run`, a single look."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping

from monitoring.server import supervisor
from monitoring.settings import Settings
from service.process.faults import find_address_fault, find_folder_fault
from service.web.keys import BadKeys


def serve(settings: Settings, environ: Mapping[str, str]) -> int:
    """1 where it cannot start: what would be refused by each of its processes again and again is said here, once."""
    sentences = [
        fault
        for fault in (
            find_address_fault(settings.bind),
            find_folder_fault("MONITOR_STATE", settings.monitor_state, "name another folder"),
            _key_fault(settings),
        )
        if fault
    ]
    for sentence in sentences:
        print(f"cannot start: {sentence}", file=sys.stderr)
    if sentences:
        return 1
    return _become_supervisor(environ)


def _become_supervisor(environ: Mapping[str, str]) -> int:
    """Anew, without all that was loaded to read the keys: it stays for as long as the monitor does."""
    command = [sys.executable, "-m", "monitoring", "supervise"]
    os.execve(sys.executable, command, dict(environ))  # nosec B606 # the words are ours


def show(settings: Settings, supervised: bool) -> int:
    from monitoring.server import web  # pylint: disable=import-outside-toplevel

    if supervised:
        supervisor.end_with_parent()
    web.serve(settings)
    return 0


def judge(settings: Settings, stop: threading.Event, supervised: bool) -> int:
    # Takes seconds to load, which the pages need not wait for.
    from monitoring.schedule.loop import Judge  # pylint: disable=import-outside-toplevel

    if supervised:
        supervisor.end_with_parent()
    # In the middle of a judgement as well: it is kept whole or not at all.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Judge(settings).judge_forever(stop)
    return 0


def judge_once(settings: Settings) -> int:
    """3 where it did not come to look: another monitor judges, or a database is away."""
    from monitoring.schedule.loop import Judge  # pylint: disable=import-outside-toplevel

    judge_process = Judge(settings)
    try:
        looked = judge_process.judge_once()
        judge_process.send()
        return 0 if looked is not None else 3
    finally:
        judge_process.close()


def _key_fault(settings: Settings) -> str:
    from monitoring.pages import authenticator_of  # pylint: disable=import-outside-toplevel

    try:
        authenticator_of(settings.keys if settings.auth else "")
    except BadKeys as error:
        return f"{error}."
    return ""
