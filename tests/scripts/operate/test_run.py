"""`make run`'s last step: starts the service, proves it, says where to look, and ends what it started."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from scripts.operate.run import watching
from tests.scripts.edge.test_smoke import write_bundles
from tests.support.machine import free_port, wait_until

ROOT = Path(__file__).parents[3]
STUB = ROOT / "tests/support/scripts/stub"
SECONDS = 60


@pytest.fixture(name="address")
def _address() -> str:
    return f"127.0.0.1:{free_port()}"


@contextmanager
def local(
    tmp_path: Path, address: str, way: str, *options: str, monitor: str = "127.0.0.1:0"
) -> Iterator[subprocess.Popen[str]]:
    """The script, with the stub as its service; without a monitor, unless it is told where."""
    bundles = tmp_path if any(tmp_path.iterdir()) else write_bundles(tmp_path, a={"champion": "1"})
    environ = os.environ | {
        "BIND": address, "BUNDLES": str(bundles), "STUB": way, "PYTHONPATH": str(ROOT),
        "MONITOR_BIND": monitor, "MONITOR_STATE": str(tmp_path / "monitor"),
        "JOURNAL_URL": f"sqlite:///{tmp_path}/journal.db",
    }  # fmt: skip
    command = [sys.executable, "-m", "scripts.operate", "run", *options]
    with subprocess.Popen(
        command, cwd=STUB, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def finish(tmp_path: Path, address: str, way: str, *options: str) -> tuple[int, str]:
    with local(tmp_path, address, way, *options) as process:
        output, _ = process.communicate(timeout=SECONDS)
        return process.returncode, output


def listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_once_ends_well_after_the_smoke_test(tmp_path: Path, address: str):
    code, output = finish(tmp_path, address, "right", "--once")
    assert code == 0, output
    assert "smoke test: a 1 (champion): 2 golden rows as exported" in output
    assert f"http://{address}/docs" in output and "make mlflow" in output
    assert not listens(address)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_service_too(tmp_path: Path, address: str, number: signal.Signals):
    with local(tmp_path, address, "right") as process:
        assert process.stdout is not None
        assert any("Ctrl-C ends it" in line for line in process.stdout)
        assert listens(address)
        process.send_signal(number)
        assert process.wait(SECONDS) == 0
    assert not listens(address)


@pytest.mark.slow
def test_the_monitor_is_started_beside_the_service_and_ended(tmp_path: Path, address: str):
    variables = {
        "MONITOR_BIND": address, "MONITOR_STATE": str(tmp_path / "monitor"), "BIND": "127.0.0.1:1",
        "JOURNAL_URL": f"sqlite:///{tmp_path}/journal.db", "KEYS": "",
    }  # fmt: skip
    with watching(os.environ | variables, "http://127.0.0.1:1") as words:
        assert f"http://{address}/monitor/" in words
        wait_until(lambda: listens(address), "the monitor", SECONDS)
        assert requests.get(f"http://{address}/monitor/", timeout=30).status_code == 200
    assert not listens(address)


def test_a_taken_port_of_the_monitor_keeps_nobody_from_the_service(tmp_path: Path, address: str):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with local(tmp_path, address, "right", monitor=place) as process:
            assert process.stdout is not None
            assert any(f"{place} cannot be bound" in line for line in process.stdout)
            assert listens(address)


def test_the_printed_call_works_as_it_is_pasted(tmp_path: Path, address: str):
    with local(tmp_path, address, "right") as process:
        assert process.stdout is not None
        words = shlex.split(next(line for line in process.stdout if "curl" in line))
        url, body = words[words.index("-s") + 1], words[words.index("-d") + 1]
        answer = requests.post(url, data=body, headers={"X-Sent": "pasted"}, timeout=SECONDS)
    assert answer.json()["predictions"] == [1.5, 2.5]


@pytest.mark.parametrize(
    ("way", "word"),
    [
        ("wrong", "golden row 0, predictions: 0, expected 1.5"),
        ("old", "version 0 answered"),
        ("refuses", "422"),
        ("dies", "ended with exit code 3"),
    ],
)
def test_a_service_that_is_not_right_ends_with_1(tmp_path: Path, address: str, way: str, word: str):
    code, output = finish(tmp_path, address, way)
    assert (code, word in output) == (1, True), output
    assert not listens(address)


def test_a_service_that_never_gets_ready_is_given_up(tmp_path: Path, address: str):
    code, output = finish(tmp_path, address, "never", "--deadline", "2")
    assert (code, "not ready" in output) == (1, True), output
    assert not listens(address)


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:99999", "127.0.0.1:http"])
def test_an_address_without_a_port_is_refused(tmp_path: Path, address: str):
    code, output = finish(tmp_path, address, "right", "--once")
    assert (code, f"{address} cannot be bound (it is no host:port)" in output) == (1, True), output


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        code, output = finish(tmp_path, f"127.0.0.1:{server.getsockname()[1]}", "right")
    assert (code, "make run BIND=" in output) == (1, True), output
