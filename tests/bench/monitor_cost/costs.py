"""What the monitor and its statements used: CPU, memory, and the database's time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from tests.bench.contenders import Running, processes
from tests.bench.monitor_cost.site import ROLE, Site

TICKS = os.sysconf("SC_CLK_TCK")
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


def measure_cost(running: Site, began: float, before: Usage) -> Cost:
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


def print_longest(database: sa.Engine) -> None:
    with database.connect() as connection:
        for calls, seconds, query in connection.execute(sa.text(LONGEST), {"role": ROLE}):
            print(f"  {calls} calls, {seconds:.2f} s: {' '.join(query.split())[:150]}")
