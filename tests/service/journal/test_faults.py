"""Killed workers and shippers, a database that goes away: all answered is stored once, or counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.journal.shipper import ship_forever, ship_once
from service.journal.spool.counters import Counters, stats
from service.journal.spool.segments import segments
from service.settings import JournalSettings
from tests.support.machine import wait_until
from tests.support.postgres import Cluster
from tests.support.service.journal import (
    count,
    open_journal,
    query,
    record_quality,
    settings_for,
)

pytestmark = pytest.mark.slow
#: Workers, shippers and the spool are the same before either database: SQLite has costly kills with `ALL=1`.
COSTLY = pytest.mark.parametrize(
    "settings", [pytest.param("sqlite", marks=pytest.mark.thorough), "postgresql"], indirect=True
)


class Writers:
    """Worker processes; what they answered is in a file each, so that a kill loses none of it."""

    def __init__(self, settings: JournalSettings):
        self._settings = settings
        self._folder = settings.spool.parent
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, total: int | None = None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.service.journal_writer", name]
        command += [str(self._settings.spool), str(self._settings.spool_limit)]
        command += [str(total)] if total else []
        with (self._folder / f"{name}.answered").open("wb") as answered:
            process = subprocess.Popen(command, stdout=answered)
        self.running.append(process)
        return process

    def kill(self) -> None:
        for process in self.running:
            process.kill()
        self.wait()

    def wait(self) -> None:
        for process in self.running:
            process.wait(120)
        self.running.clear()

    def answered(self) -> dict[str, int]:
        """Rows by request id. A last line that a kill cut short was not answered."""
        lines = [
            line.split()
            for path in self._folder.glob("*.answered")
            for line in path.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]
        return {request_id: int(rows) for request_id, rows in lines}


@pytest.fixture
def writers(settings: JournalSettings) -> Iterator[Writers]:
    processes = Writers(settings)
    yield processes
    processes.kill()


@pytest.fixture
def shippers(settings: JournalSettings) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Shipper processes, to be filled by `start_shipper` and killed at the end."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait(30)


def start_shipper(
    settings: JournalSettings, shippers: list[subprocess.Popen[bytes]]
) -> subprocess.Popen[bytes]:
    environ = os.environ | {"JOURNAL_URL": settings.url, "JOURNAL_SPOOL": str(settings.spool)}
    shippers.append(
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.service.journal_shipper"], env=environ
        )
    )
    return shippers[-1]


def stored(settings: JournalSettings) -> dict[str, int]:
    counts = query(settings, "SELECT request_id, count(*) FROM prediction GROUP BY request_id")
    return {request_id: rows for request_id, rows in counts}


def assert_stored_once(settings: JournalSettings, writers: Writers, unanswered: int) -> None:
    """A killed worker may have spooled one request that it could not answer any more."""
    answered, table = writers.answered(), stored(settings)
    assert answered and answered.items() <= table.items()
    assert len(table) - len(answered) <= unanswered


def test_killed_workers_lose_nothing_they_answered(
    settings: JournalSettings, writers: Writers
) -> None:
    for name in "abc":
        writers.start(name)
    wait_until(lambda: len(writers.answered()) > 500, "the workers answer")
    writers.kill()
    ship_once(settings)
    assert_stored_once(settings, writers, unanswered=3)
    assert not segments(settings.spool)


@COSTLY
def test_workers_killed_while_it_ships_lose_nothing(
    settings: JournalSettings, writers: Writers, shippers: list[subprocess.Popen[bytes]]
) -> None:
    start_shipper(settings, shippers)
    for generation in range(4):
        before = len(writers.answered())
        for name in "ab":
            writers.start(f"{name}{generation}")
        wait_until(lambda: len(writers.answered()) > before + 250, "the workers answer")
        writers.kill()
    wait_until(lambda: not segments(settings.spool), "dead workers' files are shipped")
    assert_stored_once(settings, writers, unanswered=8)


@COSTLY
def test_a_shipper_killed_over_and_over_stores_all_once(
    settings: JournalSettings, writers: Writers, shippers: list[subprocess.Popen[bytes]]
) -> None:
    writers.start("a")
    for _ in range(5):
        before = stats(settings.spool).shipped
        shipper = start_shipper(settings, shippers)
        wait_until(lambda: stats(settings.spool).shipped > before, "something is shipped")
        shipper.send_signal(signal.SIGKILL)
        shipper.wait(30)
    writers.kill()
    ship_once(settings)
    assert_stored_once(settings, writers, unanswered=1)


@COSTLY
def test_several_shippers_share_the_work_and_store_all_once(
    settings: JournalSettings, writers: Writers, shippers: list[subprocess.Popen[bytes]]
) -> None:
    small = replace(settings, spool_limit=16 << 20)
    many = Writers(small)
    for name in "abc":
        many.start(name, total=1000)
    for _ in range(3):
        start_shipper(settings, shippers)
    many.wait()
    wait_until(lambda: not segments(settings.spool), "all files are shipped")
    answered = many.answered()
    assert stored(settings) == answered and len(answered) == 3000
    assert stats(settings.spool).shipped == sum(answered.values())


@COSTLY
def test_replicas_that_start_and_stop_over_and_over_on_one_spool_lose_nothing(
    settings: JournalSettings, writers: Writers, shippers: list[subprocess.Popen[bytes]]
) -> None:
    """As replicas of one node do: each has workers and a shipper, and starts beside one that ends."""
    for _ in range(2):
        start_shipper(settings, shippers)
    for generation in range(5):
        before, shipped = len(writers.answered()), stats(settings.spool).shipped
        writers.start(f"a{generation}")
        start_shipper(settings, shippers)
        wait_until(lambda: len(writers.answered()) > before + 300, "the worker answers")
        wait_until(lambda: stats(settings.spool).shipped > shipped, "something is shipped")
        shippers[generation].send_signal((signal.SIGTERM, signal.SIGKILL)[generation % 2])
        if generation:
            writers.running[generation - 1].terminate()
    writers.kill()
    wait_until(lambda: not segments(settings.spool), "all files are shipped")
    assert_stored_once(settings, writers, unanswered=5)
    assert stats(settings.spool).dropped["damaged"] == 0


def test_a_database_that_goes_away_for_a_while_delays_and_loses_nothing(
    cluster: Cluster, postgresql: str, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, url=postgresql)
    writers, stop = Writers(settings), threading.Event()
    shipper = threading.Thread(target=ship_forever, args=(settings, stop))
    shipper.start()
    try:
        writers.start("a")
        wait_until(lambda: stats(settings.spool).shipped > 500, "it ships")
        cluster.stop()
        before = len(writers.answered())
        wait_until(lambda: len(writers.answered()) > before + 500, "it answers without database")
        assert stats(settings.spool).lag > 0
        cluster.start()
        writers.kill()
        wait_until(lambda: not segments(settings.spool), "it catches up")
    finally:
        writers.kill()
        stop.set()
        shipper.join()
    assert_stored_once(settings, writers, unanswered=1)


def test_at_the_bound_with_a_dead_database_stored_and_shed_are_all_that_was_answered(
    settings: JournalSettings, tmp_path: Path
) -> None:
    small = replace(settings, spool_limit=1 << 20)
    writers = Writers(small)
    for name in "ab":
        writers.start(name, total=8000)
    writers.wait()
    assert sum(path.stat().st_size for path in segments(small.spool)) <= 1 << 20
    ship_once(small)
    shed = Counters(small.spool).read()["shed"]
    answered = writers.answered()
    assert shed and count(small) + shed == sum(answered.values())
    assert Counter(stored(small)) <= Counter(answered)


def test_an_outage_is_one_line_and_its_end_another(
    tmp_path: Path, cluster: Cluster, postgresql: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings, stop = settings_for(tmp_path, url=postgresql), threading.Event()
    journal = open_journal(settings)
    cluster.stop()
    shipper = threading.Thread(target=ship_forever, args=(settings, stop))
    shipper.start()
    record_quality(journal)
    wait_until(lambda: "predictions wait in the spool" in caplog.text, "the outage is logged")
    cluster.start()
    wait_until(lambda: journal.stats().shipped == 1, "it is shipped")
    wait_until(lambda: "ships again" in caplog.text, "the end is logged")
    stop.set()
    shipper.join()
    journal.close()
    lines = [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]
    assert len(lines) == 2
