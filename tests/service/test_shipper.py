"""The process beside the workers that ships the journal: it heeds its master from its first instant."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.service.conftest import ROOT

#: A master that only notes a TERM, as Gunicorn's does, and tells its shipper to stop before that has begun.
STOPPED_AT_ONCE = """
import os, pathlib, signal, sys
from service.process.supervisor import Shipper
from tests.service.journal.helpers import settings_for

signal.signal(signal.SIGTERM, lambda *_: None)
shipper = Shipper(settings_for(pathlib.Path(sys.argv[1])))
shipper.keep_alive([])
os.kill(shipper._pid, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(shipper._pid, 0)[1]))
"""


def test_a_shipper_that_is_stopped_before_it_has_begun_ends_by_itself(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    command = [sys.executable, "-c", STOPPED_AT_ONCE, str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
