from __future__ import annotations

import subprocess
import sys

import pytest

from monitoring.findings.database import FindingsUnavailable
from monitoring.findings.lock import JudgeLock
from monitoring.findings.store import Store
from tests.support.machine import wait_until
from tests.support.postgres import Cluster

HOLDER = """
import sys
from monitoring.findings.lock import JudgeLock
from monitoring.findings.store import Store
store = Store(sys.argv[1]); store.prepare()
lock = JudgeLock(store.engine)
print(lock.hold(), flush=True)
sys.stdin.read()
"""


def test_one_process_holds_it_and_a_kill_sets_it_free(database: str):
    store = Store(database)
    store.prepare()
    mine = JudgeLock(store.engine)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout and holder.stdout.readline() == "True\n"
        assert not mine.hold()
        holder.kill()
        holder.wait()
        wait_until(mine.hold, "the lock is free")
        assert mine.hold()
    mine.release()
    store.close()


def test_released_it_is_anothers(database: str):
    store, other = Store(database), Store(database)
    store.prepare()
    first, second = JudgeLock(store.engine), JudgeLock(other.engine)
    assert first.hold() and not second.hold()
    first.release()
    assert second.hold() and not first.hold()
    second.release()
    store.close()
    other.close()


def test_a_lost_connection_is_said_and_the_lock_taken_anew(cluster: Cluster, postgresql: str):
    store = Store(postgresql)
    store.prepare()
    lock = JudgeLock(store.engine)
    assert lock.hold()
    cluster.stop()
    try:
        with pytest.raises(FindingsUnavailable):
            lock.hold()
    finally:
        cluster.start()
    assert lock.hold()
    lock.release()
    store.close()
