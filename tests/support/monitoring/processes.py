"""A service and a monitor as processes of their own, over one exported set and one journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.machine import free_port
from tests.support.monitoring.bundles import write_monitored
from tests.support.service.bundles import YIELD
from tests.support.service.server import Server


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """As `make run` starts service and monitor, with windows of 500 rows."""
    write_monitored(tmp_path / "bundles", YIELD)
    return {
        "BUNDLES": str(tmp_path / "bundles"),
        "JOURNAL_URL": f"sqlite:///{tmp_path}/journal.db",
        "JOURNAL_SPOOL": str(tmp_path / "spool"),
        "MONITOR_STATE": str(tmp_path / "state"),
        "MONITOR_WINDOW": "500 rows",
        "MONITOR_EVERY": "1",
        "MONITOR_ALLOWANCE": "1",
        "DRAIN_SECONDS": "0",
        "WORKERS": "1",
    }


@pytest.fixture
def start(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def begin(*module: str, **more: str) -> Server:
        bind = {"BIND": f"127.0.0.1:{free_port()}"}
        log = tmp_path / f"{len(servers)}.log"
        servers.append(Server(environ | bind | more, log, *module))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()
