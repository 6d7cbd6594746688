"""The service as a process: start, stop, loss of workers, metrics."""

from __future__ import annotations

import glob
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.service import bundles
from tests.service.calls import predict
from tests.service.conftest import ROOT, Server, free_port, wait_for

pytestmark = pytest.mark.slow


def refused_start(environ: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    return done.stderr.splitlines()


def test_each_bad_setting_is_a_sentence_and_ends_the_start(environment: dict[str, str]) -> None:
    bad = {
        "THREADS": "many",
        "BIND": "nowhere",
        "LOG_SAMPLE": "2",
        "AUTH": "maybe",
        "JOURNAL_SPOOL_MB": "x",
    }
    lines = refused_start(environment | bad)
    assert [line.split()[2].strip(":") for line in lines] == [
        "BIND",
        "THREADS",
        "AUTH",
        "LOG_SAMPLE",
        "JOURNAL_SPOOL_MB",
    ]


def test_a_spool_that_cannot_be_written_refuses_the_start(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (line,) = refused_start(environment | {"JOURNAL_SPOOL": str(tmp_path / "file")})
    assert "file, where nothing can be written" in line and "JOURNAL=off" in line


def test_without_keys_it_listens_on_loopback_alone(environment: dict[str, str]) -> None:
    del environment["KEYS_FILE"]
    (line,) = refused_start(environment | {"BIND": "0.0.0.0:8080"})
    assert "AUTH=off" in line


def test_secrets_in_bad_settings_are_not_shown(environment: dict[str, str]) -> None:
    Path(environment["KEYS_FILE"]).write_text("me:predict:hunter2", encoding="utf-8")
    (line,) = refused_start(environment)
    assert "line 1" in line and "hunter2" not in line


def test_a_changed_bundle_refuses_the_start(environment: dict[str, str], tmp_path: Path) -> None:
    bundles.write_bundle(tmp_path / "b", bundles.YIELD, linear=True)
    golden = tmp_path / "b/yield-prediction/1/golden.json"
    golden.write_bytes(golden.read_bytes() + b" ")
    (line,) = refused_start(environment | {"BUNDLES": str(tmp_path / "b")})
    assert "golden.json is not the file that was exported" in line


def test_a_port_that_is_taken_ends_the_start(environment: dict[str, str]) -> None:
    host, _, port = environment["BIND"].rpartition(":")
    with socket.create_server((host, int(port))):
        (line,) = refused_start(environment)
    assert "BIND" in line and "in use" in line


def test_every_answered_prediction_is_in_the_table_after_a_stop(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server()
    ids = [
        predict(server, X_Request_Id=f"n{number}").headers["X-Request-Id"] for number in range(50)
    ]
    assert server.stop() == 0
    with sqlite3.connect(tmp_path / "journal.db") as link:
        found = [row[0] for row in link.execute("SELECT request_id FROM prediction")]
    link.close()
    assert sorted(found) == sorted(ids)


def test_it_drains_before_it_stops(start_server: Callable[..., Server]) -> None:
    server = start_server(DRAIN_SECONDS="2")
    with requests.Session() as session:
        assert predict(server, session).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        ready = server.url + "/health/ready"
        # A response of 503 is falsy itself: hence the list.
        (answer,) = wait_for(
            lambda: [one for one in [requests.get(ready, timeout=5)] if one.status_code == 503]
        )
        assert answer.headers["Retry-After"]
        assert requests.get(server.url + "/health/live", timeout=5).status_code == 200
        late = predict(server, session)
        assert late.status_code == 200
        wait_for(lambda: predict(server).headers["Connection"] == "close")
    assert server.process.wait(20) == 0


class Load:
    """Callers without pause, each of which tries again where its connection was refused."""

    def __init__(self, server: Server, callers: int = 4):
        self._server, self._stop = server, threading.Event()
        self.good, self.lost, self.dropped = 0, list[str](), 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, args=(one,)) for one in range(callers)]
        for thread in self._threads:
            thread.start()

    def _call(self, caller: int) -> None:
        session, number = requests.Session(), 0
        while not self._stop.is_set():
            number += 1
            self._once(session, f"c{caller}.{number}")
        session.close()

    def _once(self, session: requests.Session, request_id: str) -> None:
        try:
            answer = predict(self._server, session, X_Request_Id=request_id)
        except requests.ConnectionError as error:
            refused = "refused" in str(error)
            with self._lock:
                self.dropped += not refused
            # Nobody listens any more: in the stack the edge would ask another replica.
            if refused:
                time.sleep(0.01)
            return
        with self._lock:
            self.good += answer.status_code == 200
            if answer.status_code != 200:
                self.lost.append(f"{answer.status_code} {answer.text}")

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_stop_under_load_loses_no_request(start_server: Callable[..., Server]) -> None:
    server = start_server(DRAIN_SECONDS="1")
    load = Load(server)
    try:
        wait_for(lambda: load.good > 100)
        assert server.stop() == 0
    finally:
        load.stop()
    assert (load.lost, load.dropped) == ([], 0)


def test_what_a_killed_service_left_in_memory_goes_at_the_next_start(
    start_server: Callable[..., Server],
) -> None:
    first = start_server(WORKERS="1")
    (folder,) = folders_of(first)
    first.process.kill()
    first.process.wait()
    # Its workers see that they are orphans and go: until then the folder is theirs.
    wait_for(lambda: not holders(folder))
    assert folder.is_dir()
    second = start_server(WORKERS="1")
    assert not folder.exists() and len(folders_of(second)) == 1
    third = start_server(BIND=f"127.0.0.1:{free_port()}", WORKERS="1")
    assert len(folders_of(second)) == len(folders_of(third)) == 1
    assert predict(second).status_code == 200


def folders_of(server: Server) -> list[Path]:
    """The shared folders that its master has a file open in."""
    links = Path(f"/proc/{server.process.pid}/fd").iterdir()
    names = {os.path.dirname(os.readlink(link)) for link in links}
    return [Path(name) for name in names if "swarmline-metrics-" in name and Path(name).is_dir()]


def holders(folder: Path) -> list[str]:
    """The processes that have a file in it open."""
    found = []
    # Unlike Path.glob, it passes over what ends meanwhile.
    for link in glob.iglob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith(f"{folder}/"):
            found.append(target)
    return found


def test_a_killed_worker_is_replaced_and_loses_only_what_it_had_in_flight(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server()
    load = Load(server)
    try:
        wait_for(lambda: load.good > 50)
        before = worker_pids(server)
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: len(worker_pids(server)) == 2 and before[0] not in worker_pids(server))
        reached = load.good
        wait_for(lambda: load.good > reached + 50)
    finally:
        load.stop()
    assert load.lost == [] and load.dropped <= 4
    assert server.stop() == 0
    with sqlite3.connect(tmp_path / "journal.db") as link:
        ((rows,),) = link.execute("SELECT count(*) FROM prediction").fetchall()
    link.close()
    assert load.good <= rows <= load.good + load.dropped


def test_workers_added_by_a_signal_find_a_place(start_server: Callable[..., Server]) -> None:
    server = start_server()
    for wanted in range(3, 9):
        server.process.send_signal(signal.SIGTTIN)
        wait_for(lambda: len(worker_pids(server)) == wanted)
    answer = requests.get(f"{server.url}/health/ready", timeout=10)
    assert (answer.status_code, server.stop()) == (200, 0)


def worker_pids(server: Server) -> list[int]:
    """Those of its children that listen: the shipper does not."""
    return [pid for pid in server.workers if listens(pid)]


def listens(pid: int) -> bool:
    try:
        return any(
            "socket" in os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()
        ) and not any("journal.db" in os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def test_metrics_count_all_workers_and_no_file_is_added_by_restarts(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    for _ in range(20):
        predict(server)
    first = worker_pids(server)
    os.kill(first[0], signal.SIGKILL)
    wait_for(lambda: len(worker_pids(server)) == 2 and first[0] not in worker_pids(server))
    for _ in range(20):
        predict(server)
    text = requests.get(server.url + "/metrics", timeout=5).text
    labels = 'arm="champion",class="",model="yield-prediction",version="1"'
    assert f"swarmline_predictions_total{{{labels}}} 40.0" in text
    assert "swarmline_inflight 1.0" in text
    assert {"worker0", "worker1", "master"} >= metric_owners(server)


def metric_owners(server: Server) -> set[str]:
    maps = Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8").split()
    folder = next(Path(part).parent for part in maps if "swarmline-metrics-" in part)
    return {path.stem.rpartition("_")[2] for path in folder.glob("*.db")}
