"""The process beside the workers that ships the journal: started again when it dies, gone when they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.service.calls import predict
from tests.support.service.load import journalled
from tests.support.service.server import ROOT, Server, wait_for

#: A master that tells its shipper to stop before that has begun.
STOPPED_AT_ONCE = """
from service.process.supervisor import Supervisor

supervisor = Supervisor(lambda stop: print("ended" if stop.wait(30) else "went on", flush=True))
supervisor.stop()
"""


def test_a_shipper_that_is_stopped_before_it_has_begun_ends_by_itself() -> None:
    command = [sys.executable, "-c", STOPPED_AT_ONCE]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr


@pytest.mark.slow
def test_a_killed_shipper_is_started_again(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server()
    (shipper,) = wait_for(lambda: shippers(server))
    # What Ctrl-C sends to the service's group is not for it: workers may still answer.
    assert os.getpgid(shipper) != os.getpgid(server.process.pid)
    os.kill(shipper, signal.SIGKILL)
    wait_for(lambda: shippers(server) not in ([], [shipper]))
    assert predict(server, X_Request_Id="after").status_code == 200
    assert server.stop() == 0
    assert journalled(tmp_path) == ["after"]


@pytest.mark.slow
def test_a_killed_service_leaves_no_process_behind_and_all_it_answered_is_shipped(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server()
    wait_for(lambda: shippers(server))
    rest = [*server.workers, *shippers(server)]
    assert predict(server, X_Request_Id="last").status_code == 200
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in rest))
    assert journalled(tmp_path) == ["last"]


def shippers(server: Server) -> list[int]:
    """The children of its children: only the shipper is one."""
    return [child for pid in server.workers for child in children(pid)]


def children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]
