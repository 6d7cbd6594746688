"""Bundles fitted once a machine, applications in this process, servers that end with their test."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.process import metrics
from service.process.state import State
from service.settings import read_settings
from tests.support.machine import free_port, started
from tests.support.service import bundles
from tests.support.service.caller import Caller
from tests.support.service.server import ROOT, Server, key_lines, wait_for

_METRICS = Path(tempfile.gettempdir()) / f"swarmline-test-metrics-{os.getpid()}"
for _folder in _METRICS.parent.glob("swarmline-test-metrics-*"):
    _pid = _folder.name.rpartition("-")[2]
    # Of a session that was killed, and nobody else's.
    if _pid.isdigit() and not started(int(_pid)):
        shutil.rmtree(_folder, ignore_errors=True)
_METRICS.mkdir(exist_ok=True)
metrics.keep_in(_METRICS)


def pytest_sessionfinish() -> None:
    shutil.rmtree(_METRICS, ignore_errors=True)


def _build(root: Path) -> None:
    bundles.write_bundle(root, bundles.QUALITY, "1")
    bundles.write_bundle(root, bundles.QUALITY, "2", arm="challenger", seed=7)
    bundles.write_bundle(root, bundles.YIELD, "1", linear=True)
    bundles.write_bundle(root, bundles.RECIPE, "1", engine="skops", linear=True)


@pytest.fixture(scope="session")
def bundle_root() -> Path:
    """Keyed by the code that makes them, so that a second session finds them made."""
    sources = [
        Path(__file__),
        Path(bundles.__file__),
        *sorted((ROOT / "service/bundle").rglob("*.py")),
    ]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    root = Path(tempfile.gettempdir()) / f"swarmline-test-bundles-{os.getuid()}-{key}"
    if not root.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix="swarmline-test-bundles-"))
        _build(fresh)
        try:
            fresh.rename(root)
        except OSError:
            # Another process of the same run was faster.
            shutil.rmtree(fresh)
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


@pytest.fixture
def caller(app: Any) -> Caller:
    return Caller(app)


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
