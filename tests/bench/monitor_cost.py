"""`python -m tests.bench.monitor_cost`: what the monitor costs a service under steady load, and their PostgreSQL.

Windows of a minute, a model of 13 numbers, truth of half of the rows. Each minute has two rounds: one around the end of
a window, in which the monitor judges, and one in which all its processes are stopped (SIGSTOP). The first window after
a change of the rate is of both rates: its latency counts, its cost does not. 7.5 minutes in all.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa

from scripts.command.options import parsed
from service.journal.database.connection import connect
from tests.bench import contenders
from tests.bench.contenders import Contender, Running, processes
from tests.bench.paced import Paced
from tests.support.postgres import Cluster
from tests.support.training import Workspace, write_spec

MODEL, COLUMNS = "bench-cost", 13
#: Predictions a second, and rows of a request.
BATCHES = {100: 10, 1_000: 20, 3_000: 50}
ROLE, DATABASE = "monitor_bench", "monitor"
#: Seconds of a minute at which the round ends in which the monitor judges, and the one in which it is stopped.
JUDGED_BY, STOPPED_UNTIL = 25.0, 45.0
TICKS = os.sysconf("SC_CLK_TCK")
TRUTH = """
INSERT INTO truth (model, request_id, row, at, received_at, value, label, number)
SELECT DISTINCT ON (request_id, row) model, request_id, row, at, now(), '"good"', 'good', NULL FROM prediction
WHERE at > now() - interval '70 seconds' AND hashtext(request_id) % 2 = 0
ON CONFLICT DO NOTHING
"""
STATEMENTS = """
SELECT coalesce(sum(calls), 0), coalesce(sum(total_exec_time), 0) / 1000
FROM pg_stat_statements WHERE userid = CAST(:role AS regrole)
"""
LONGEST = """
SELECT calls, total_exec_time / 1000, query FROM pg_stat_statements
WHERE userid = CAST(:role AS regrole) ORDER BY total_exec_time DESC LIMIT 5
"""
JUDGED = "SELECT count(*) FROM monitor.judged_window WHERE judged_at >= to_timestamp(:since)"


class Cost(NamedTuple):
    """Of the round in which a window ends; one whose truth came late may be judged again in it."""

    cpu_seconds: float
    peak_megabytes: dict[str, float]
    statements: int
    statement_seconds: float
    backend_seconds: float
    windows: int


class Site(NamedTuple):
    """The service, the monitor, and the database of both as its superuser sees it."""

    service: Running
    monitor: Running
    database: sa.Engine
    findings: sa.Engine


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", type=int, nargs="+", choices=BATCHES, default=list(BATCHES))
    parser.add_argument(
        "--minutes", type=int, default=2, choices=range(2, 11), help="at each rate, 2 to 10"
    )
    parser.add_argument("--statements", action="store_true", help="print those that took longest")
    options = parsed(parser, None)
    # Else whoever ends it in the middle leaves the processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="cost-") as place, site(Path(place)) as started:
        lines = [HEAD]
        for rate in options.rates:
            lines.append(measure(started, rate, options))
            print(f"{lines[-1]}\nload: {os.getloadavg()[0]:.1f}", flush=True)
    print("\n".join(lines))
    return 0


HEAD = """\
| predictions a second | windows judged a minute | monitor: CPU s | its peak MB: judges, shows, over both | its statements | their seconds | CPU s of their backends | service, p50 ms: without, with | p99 ms: without, with | requests, failed |
|---|---|---|---|---|---|---|---|---|---|"""


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
        port = contenders.free_port()
        command = [sys.executable, "-m", "monitoring", "serve"]
        monitor = Contender(
            "monitor", command, environ | {"BIND": f"127.0.0.1:{port}"}, port, "/health"
        )
        judging = started(monitor, folder / "monitor.log", ended)
        # What is stopped cannot end.
        ended.callback(send, judging, signal.SIGCONT)
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


def measure(running: Site, rate: int, options: argparse.Namespace) -> str:
    """A line of the table."""
    batch = BATCHES[rate]
    loads = [
        contenders.load_for(running.service.contender, MODEL, body["rows"])
        for body in bodies(batch)
    ]
    with_it: list[float] = []
    without: list[float] = []
    costs: list[Cost] = []
    with Paced(loads, rate / batch) as paced:
        for minute in range(options.minutes):
            send(running.monitor, signal.SIGSTOP)
            without += round_until(paced, STOPPED_UNTIL)
            tell_truth(running.database)
            reset(running)
            began, cpu = time.time(), usage(running)
            send(running.monitor, signal.SIGCONT)
            with_it += round_until(paced, JUDGED_BY)
            if minute:
                costs.append(cost(running, began, cpu))
    if options.statements:
        longest(running.database)
    return line(rate, costs, without, with_it, paced)


def round_until(paced: Paced, second: float) -> list[float]:
    """The latencies of what is asked from now until this second of the minute."""
    paced.take()
    time.sleep((second - time.time()) % 60)
    return paced.take()


def send(running: Running, number: signal.Signals) -> None:
    """To the one over both first, so that it does not start again what stands still."""
    for pid in processes(running.process.pid):
        os.kill(pid, number)


def tell_truth(database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(TRUTH.replace("%", "%%"))


def reset(running: Site) -> None:
    """Counts of statements, and the peaks of memory."""
    with running.database.begin() as connection:
        connection.exec_driver_sql("SELECT pg_stat_statements_reset()")
    for pid in processes(running.monitor.process.pid):
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


class Usage(NamedTuple):
    """CPU seconds by process."""

    monitor: dict[int, float]
    backends: dict[int, float]


def usage(running: Site) -> Usage:
    with running.database.connect() as connection:
        query = sa.text("SELECT pid FROM pg_stat_activity WHERE usename = :role")
        backends = connection.execute(query, {"role": ROLE}).scalars().all()
    return Usage(
        *(
            {pid: cpu_seconds(pid) for pid in pids}
            for pids in (processes(running.monitor.process.pid), backends)
        )
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def used(before: dict[int, float], after: dict[int, float]) -> float:
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def cost(running: Site, began: float, before: Usage) -> Cost:
    after = usage(running)
    with running.database.connect() as connection:
        statements, seconds = connection.execute(sa.text(STATEMENTS), {"role": ROLE}).one()
    with running.findings.connect() as connection:
        windows = connection.execute(sa.text(JUDGED), {"since": began}).scalar_one()
    return Cost(
        used(before.monitor, after.monitor),
        peaks(running.monitor),
        int(statements),
        float(seconds),
        used(before.backends, after.backends),
        int(windows),
    )


def peaks(running: Running) -> dict[str, float]:
    """By what a process is for, the most memory that it held since `reset`; of workers and their master together."""
    megabytes = {"judge": 0.0, "show": 0.0, "supervise": 0.0}
    for pid in processes(running.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        verb = next(verb for verb in megabytes if verb.encode() in words)
        megabytes[verb] += int(peak.split()[1]) / 1024
    return megabytes


def longest(database: sa.Engine) -> None:
    with database.connect() as connection:
        for calls, seconds, query in connection.execute(sa.text(LONGEST), {"role": ROLE}):
            print(f"  {calls} calls, {seconds:.2f} s: {' '.join(query.split())[:150]}")


def line(
    rate: int, costs: list[Cost], without: list[float], with_it: list[float], paced: Paced
) -> str:
    minutes = len(costs)
    peak = ", ".join(
        f"{max(each.peak_megabytes[verb] for each in costs):.0f}"
        for verb in ("judge", "show", "supervise")
    )
    percentiles = [
        ", ".join(f"{1000 * float(np.percentile(part, which)):.1f}" for part in (without, with_it))
        for which in (50, 99)
    ]
    cells = [
        f"{rate:,} in requests of {BATCHES[rate]}",
        f"{sum(each.windows for each in costs) / minutes:.1f}",
        f"{sum(each.cpu_seconds for each in costs) / minutes:.2f}",
        peak,
        f"{sum(each.statements for each in costs) / minutes:.0f}",
        f"{sum(each.statement_seconds for each in costs) / minutes:.2f}",
        f"{sum(each.backend_seconds for each in costs) / minutes:.2f}",
        *percentiles,
        f"{paced.asked:,}, {paced.failed}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main())
