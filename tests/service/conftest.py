"""Bundles fitted once a machine, applications in this process, servers that end with their test."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.process import metrics
from service.process.state import State
from service.settings import read_settings
from tests.service import bundles

ROOT = Path(__file__).parents[2]
KEYS = {
    "caller": "predict",
    "teller": "truth",
    "boss": "predict,truth,admin",
    "narrow": "predict",
    "keeper": "admin",
}
_METRICS = Path(tempfile.mkdtemp(prefix="swarmline-test-metrics-"))
metrics.keep_in(_METRICS)


def pytest_sessionfinish() -> None:
    shutil.rmtree(_METRICS, ignore_errors=True)


def key_lines() -> str:
    lines = [
        f"{name}:{scopes}:{hashlib.sha256(name.encode()).hexdigest()}"
        for name, scopes in KEYS.items()
    ]
    return "\n".join(
        line + (":yield-prediction" if line.startswith("narrow") else "") for line in lines
    )


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What the condition gives once it is true; fails after a deadline."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {condition}"
        time.sleep(0.02)
    return found


def _build(root: Path) -> None:
    bundles.write_bundle(root, bundles.QUALITY, "1")
    bundles.write_bundle(root, bundles.QUALITY, "2", arm="challenger", seed=7)
    bundles.write_bundle(root, bundles.YIELD, "1", linear=True)
    bundles.write_bundle(root, bundles.RECIPE, "1", engine="skops", linear=True)


@pytest.fixture(scope="session")
def bundle_root() -> Path:
    """Keyed by the code that makes them, so that a second session finds them made."""
    sources = [
        Path(bundles.__file__),
        ROOT / "service/bundle/contract.py",
        ROOT / "service/bundle/exported.py",
        Path(__file__),
    ]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    root = Path(tempfile.gettempdir()) / f"swarmline-test-bundles-{os.getuid()}-{key}"
    if not root.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix="swarmline-test-bundles-"))
        _build(fresh)
        fresh.rename(root)
    return root


@pytest.fixture
def environment(bundle_root: Path, tmp_path: Path) -> dict[str, str]:
    """What a service is started with: keys on, a journal of its own."""
    (tmp_path / "keys").write_text(key_lines(), encoding="utf-8")
    return {
        "BIND": f"127.0.0.1:{free_port()}",
        "BUNDLES": str(bundle_root),
        "RELEASE": "r1",
        "KEYS_FILE": str(tmp_path / "keys"),
        "JOURNAL_URL": f"sqlite:///{tmp_path}/journal.db",
        "JOURNAL_SPOOL": str(tmp_path / "spool"),
        "DRAIN_SECONDS": "0",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def make_app(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Applications in this process, with their journal open as in a worker."""
    from service.app import create_app

    services = []

    def make(**more: str) -> Any:
        service = create_app(read_settings(environment | more), State())
        service.models.open_journal()
        services.append(service)
        return service

    yield make
    for service in services:
        service.models.close()


@pytest.fixture
def app(make_app: Callable[..., Any]) -> Any:
    return make_app()


class Caller:
    """Flask's test client with a key, and a word for what tests do most."""

    def __init__(self, app: Any, key: str = "boss"):
        self.client, self.key = app.flask.test_client(), key

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
            return self.client.post(path, data=body, headers=sent)
        return self.client.post(path, json=body, headers=sent)

    def get(self, path: str) -> Any:
        return self.client.get(path, headers={"Authorization": f"Bearer {self.key}"})

    def predict(self, model: str, *rows: Any, **headers: str) -> Any:
        return self.post(f"/v1/models/{model}/predict", {"rows": list(rows)}, **headers)


@pytest.fixture
def caller(app: Any) -> Caller:
    return Caller(app)


class Server:
    """`python -m service`, or a module that starts it otherwise, as a process of its own."""

    def __init__(self, environ: dict[str, str], log: Path, *module: str):
        self.url = "http://" + environ["BIND"]
        self.port = int(environ["BIND"].rpartition(":")[2])
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *(module or ("service",))],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "TMPDIR": tempfile.gettempdir()} | environ,
                stdout=output,
                stderr=output,
            )

    @property
    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    @property
    def workers(self) -> list[int]:
        """The pids of its workers: children with a heartbeat of their own, the shipper has none."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text(encoding="ascii").split()]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait(10)


@pytest.fixture
def start_server(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*module: str, **more: str) -> Server:
        server = Server(environment | {"WORKERS": "2"} | more, tmp_path / "log", *module)
        started.append(server)
        wait_for(lambda: server.ready)
        return server

    yield start
    for server in started:
        server.stop()
