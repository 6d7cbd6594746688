"""The service under load, the monitor beside it, and the PostgreSQL of both."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa

from service.journal.database.connection import connect
from tests.bench import contenders
from tests.bench.contenders import Contender, Running, processes
from tests.support.machine import free_port
from tests.support.postgres import Cluster
from tests.support.training import Workspace, write_spec

MODEL, COLUMNS = "bench-cost", 13
ROLE, DATABASE = "monitor_bench", "monitor"


class Site(NamedTuple):
    """The service, the monitor, and the database of both as its superuser sees it."""

    service: Running
    monitor: Running
    database: sa.Engine
    findings: sa.Engine


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    with ExitStack() as ended:
        # Not below another temporary folder: the server's own user must be able to reach it.
        place = Path(ended.enter_context(tempfile.TemporaryDirectory(prefix="pg-")))
        cluster = Cluster(place)
        cluster.start("-c", "shared_preload_libraries=pg_stat_statements")
        ended.callback(cluster.stop)
        database = prepared(cluster)
        findings = connect(cluster.url.replace("/postgres", f"/{DATABASE}"))
        bundles = trained(folder)
        service = contenders.ours(bundles, folder / "service")
        service = service._replace(environ=service.environ | {"JOURNAL_URL": cluster.url})
        serving = started(service, folder / "service.log", ended)
        mine = cluster.url.replace("tester@", f"{ROLE}@")
        environ = {
            "JOURNAL_URL": mine,
            "FINDINGS_URL": mine.replace("/postgres", f"/{DATABASE}"),
            "SERVICE_URL": service.url(""),
            "BUNDLES": str(bundles),
            "MONITOR_STATE": str(folder / "state"),
            "MONITOR_WINDOW": "1m",
            "MONITOR_EVERY": "5",
            "MONITOR_ALLOWANCE": "3",
            # As in the image.
            "MALLOC_ARENA_MAX": "2",
        }
        port = free_port()
        command = [sys.executable, "-m", "monitoring", "serve"]
        monitor = Contender(
            "monitor", command, environ | {"BIND": f"127.0.0.1:{port}"}, port, "/health"
        )
        judging = started(monitor, folder / "monitor.log", ended)
        # What is stopped cannot end.
        ended.callback(signal_all, judging, signal.SIGCONT)
        yield Site(serving, judging, database, findings)
        database.dispose()
        findings.dispose()


def started(contender: Contender, log: Path, ended: ExitStack) -> Running:
    running = Running(contender, log)
    ended.callback(running.stop)
    return running


def prepared(cluster: Cluster) -> sa.Engine:
    """With a role of the monitor's own, as in the stack, so that its statements can be told from the service's."""
    engine = connect(cluster.url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (
            "CREATE EXTENSION pg_stat_statements",
            f"CREATE ROLE {ROLE} LOGIN IN ROLE pg_read_all_data",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        ):
            connection.exec_driver_sql(statement)
    return engine


def trained(folder: Path) -> Path:
    random = np.random.default_rng(1)
    rows = pd.DataFrame(
        random.normal(size=(6_000, COLUMNS)).round(5),
        columns=[f"c{number}" for number in range(COLUMNS)],
    )
    sure = 1 / (1 + np.exp(-3 * rows["c0"] - rows["c1"]))
    rows["class"] = np.where(random.random(len(rows)) < sure, "good", "bad")
    rows.to_csv(folder / "rows.csv", index=False)
    spec = write_spec(
        folder,
        MODEL,
        folder / "rows.csv",
        data={"target": "class"},
        columns={name: {"type": "number"} for name in rows.columns[:-1]},
    )
    workspace = Workspace(folder)
    done = workspace.process("train", spec, "--promote", "benchmark")
    assert done.code == 0, done.out + done.err
    return workspace.bundles


def bodies(rows: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(2)
    drawn = random.normal(size=(40, rows, COLUMNS)).round(5).tolist()
    return [
        {"rows": [{f"c{place}": cell for place, cell in enumerate(row)} for row in batch]}
        for batch in drawn
    ]


def signal_all(running: Running, number: signal.Signals) -> None:
    """To the one over both first, so that it does not start again what stands still."""
    for pid in processes(running.process.pid):
        os.kill(pid, number)
