"""A lock whose deploy was killed holds nobody up on the machine where that happened."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from scripts.command.processes import identity
from scripts.engine.lock import Holder


def holder(process: str, seconds: float = 60) -> Holder:
    return Holder("id", "ann", "r1", "now", time.time() + seconds, process)


def test_a_deploy_that_goes_on_holds_its_lock():
    assert not holder(identity(os.getpid())).stale


def test_a_deploy_whose_process_has_ended_here_holds_nothing():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = identity(child.pid)
        assert not holder(process).stale
    assert holder(process).stale


def test_of_a_deploy_on_another_machine_only_the_time_tells():
    assert not holder("another-boot/pid:[1] 1 1").stale
    assert holder("another-boot/pid:[1] 1 1", seconds=-1).stale
