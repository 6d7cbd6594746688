"""Workers that are lost, or added: what they had in flight, their slots and their metrics."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.support.service.calls import predict
from tests.support.service.load import Load, journalled
from tests.support.service.server import Server, wait_for

pytestmark = pytest.mark.slow
both_workers = pytest.mark.parametrize("worker", ["poller", "gthread"])


@both_workers
def test_a_killed_worker_is_replaced_and_loses_only_what_it_had_in_flight(
    start_server: Callable[..., Server], tmp_path: Path, worker: str
) -> None:
    server = start_server(WORKER=worker)
    load = Load(server)
    try:
        wait_for(lambda: load.good > 50)
        kill_a_worker(server)
        reached = load.good
        wait_for(lambda: load.good > reached + 50)
    finally:
        load.stop()
    assert load.lost == [] and load.dropped <= 4
    assert server.stop() == 0
    assert load.good <= len(journalled(tmp_path)) <= load.good + load.dropped


def test_workers_added_by_a_signal_find_a_slot(start_server: Callable[..., Server]) -> None:
    server = start_server()
    for count in range(3, 9):
        server.process.send_signal(signal.SIGTTIN)
        wait_for(lambda: len(worker_pids(server)) == count)
    answer = requests.get(f"{server.url}/health/ready", timeout=10)
    assert (answer.status_code, server.stop()) == (200, 0)


@both_workers
def test_metrics_count_all_workers_and_no_file_is_added_by_restarts(
    start_server: Callable[..., Server], worker: str
) -> None:
    server = start_server(WORKER=worker)
    for _ in range(20):
        predict(server)
    kill_a_worker(server)
    for _ in range(20):
        predict(server)
    text = requests.get(server.url + "/metrics", timeout=5).text
    labels = 'arm="champion",class="",model="yield-prediction",version="1"'
    assert f"swarmline_predictions_total{{{labels}}} 40.0" in text
    assert "swarmline_inflight 1.0" in text
    folder = metrics_folder(server)
    assert {"worker0", "worker1", "master"} >= {
        path.stem.rpartition("_")[2] for path in folder.glob("*.db")
    }
    assert server.stop() == 0 and not folder.exists()


def kill_a_worker(server: Server) -> None:
    """Returns when another stands in its place."""
    before = worker_pids(server)
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: len(worker_pids(server)) == 2 and before[0] not in worker_pids(server))


def worker_pids(server: Server) -> list[int]:
    """Those of its children that listen: the shipper and its parent do not."""
    return [pid for pid in server.workers if listens(pid)]


def listens(pid: int) -> bool:
    try:
        return any("socket" in os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def metrics_folder(server: Server) -> Path:
    maps = Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8").split()
    return next(Path(part).parent for part in maps if "swarmline-metrics-" in part)
