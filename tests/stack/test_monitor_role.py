"""The monitor's role on a real PostgreSQL: it reads the journal, owns its database, and may do nothing else."""

from __future__ import annotations

import datetime as dt
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from monitoring.window.journal import JournalReader
from monitoring.window.values import Span
from service.journal.database.connection import connect
from service.journal.database.migrate import migrate
from service.journal.database.predictions import PredictionTable, partition_name
from tests.support.postgres import Cluster

ROOT = Path(__file__).parents[2]
JOURNAL, MONITOR = "journal_1a2b", "monitor_3c4d"
TABLES = ("prediction", "truth", "truth_former")


class Stack:
    """A stack's database server, with the two secrets that its SQL reads."""

    def __init__(self, cluster: Cluster, folder: Path):
        self.cluster, self.folder = cluster, folder

    def give(self, secret: str, user: str, word: str) -> None:
        database = secret.removesuffix("_url")
        (self.folder / secret).write_text(f"postgresql://{user}:{word}@db:5432/{database}")

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """As the database's job does it: the file on standard input of psql."""
        sql = (ROOT / "stack" / name).read_text().replace("/run/secrets", str(self.folder))
        command = ["psql", "-q", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", self.cluster.url]
        return subprocess.run(command, input=sql, capture_output=True, text=True, check=False)

    def address(self, user: str, database: str) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.cluster.port}/{database}"

    def session(self, user: str, database: str) -> psycopg.Connection:
        return psycopg.connect(self.address(user, database), autocommit=True)


@contextmanager
def new_server() -> Iterator[Stack]:
    """Its volume was empty when the journal's SQL ran, before there was a monitor."""
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        cluster = Cluster(folder)
        cluster.start()
        try:
            stack = Stack(cluster, folder)
            stack.give("journal_url", JOURNAL, "old-word")
            assert stack.run("journal.sql").returncode == 0
            stack.give("monitor_url", MONITOR, "word-1")
            yield stack
        finally:
            cluster.stop()


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A new server."""
    with new_server() as stack:
        yield stack


@pytest.fixture(scope="module")
def untouched() -> Iterator[Stack]:
    """A server on which nothing that is tried changes anything."""
    with new_server() as stack:
        yield stack


def deploy(stack: Stack) -> None:
    outcome = stack.run("monitor.sql")
    assert outcome.returncode == 0, outcome.stderr


def start_replica(stack: Stack) -> None:
    engine = connect(stack.address(JOURNAL, "journal"))
    migrate(engine)
    engine.dispose()


@pytest.mark.parametrize("replicas_first", [True, False], ids=["existing stack", "new stack"])
def test_the_monitor_reads_the_journal_and_writes_its_own_tables_alone(
    stack: Stack, replicas_first: bool
) -> None:
    steps = [start_replica, deploy] if replicas_first else [deploy, start_replica]
    for step in (*steps, deploy):
        step(stack)
    table = PredictionTable(stack.address(JOURNAL, "journal"), retention_days=1)
    table.sweep()
    table.close()
    with stack.session(MONITOR, "journal") as journal:
        tomorrow = partition_name(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1))
        for name in (*TABLES, tomorrow):
            assert journal.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)
        assert journal.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        journal.execute("SET default_transaction_read_only = off")
        for forbidden in (
            *(f"DELETE FROM {name}" for name in (*TABLES, tomorrow)),
            "UPDATE prediction SET model = 'x'",
            "INSERT INTO truth_former SELECT * FROM truth_former",
            "TRUNCATE truth",
            "DROP TABLE prediction",
            "CREATE TABLE mine (a integer)",
            "CREATE SCHEMA mine",
            "CREATE TEMPORARY TABLE mine (a integer)",
            "COPY prediction TO '/tmp/taken'",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT * FROM pg_authid",
            "SET ROLE journal",
            "ALTER ROLE monitor SUPERUSER",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                journal.execute(forbidden.encode())
    with stack.session(MONITOR, "monitor") as own:
        own.execute("CREATE TABLE finding (id integer PRIMARY KEY)")
        own.execute("INSERT INTO finding VALUES (1)")
        where = own.execute(
            "SELECT schemaname, tableowner FROM pg_tables WHERE tablename='finding'"
        )
        assert where.fetchone() == ("monitor", "monitor")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        stack.session(JOURNAL, "monitor")
    deploy(stack)
    with stack.session(MONITOR, "monitor") as own:
        assert own.execute("SELECT count(*) FROM finding").fetchone() == (1,)


def test_the_monitors_reader_reads_with_that_role(stack: Stack) -> None:
    start_replica(stack)
    deploy(stack)
    reader = JournalReader(stack.address(MONITOR, "journal"))
    now = dt.datetime.now(dt.UTC)
    assert not reader.arms(Span(now - dt.timedelta(days=1), now))
    reader.close()


def test_a_backup_of_the_journal_meets_nothing_of_the_monitors(stack: Stack) -> None:
    start_replica(stack)
    deploy(stack)
    with stack.session(MONITOR, "monitor") as own:
        own.execute("CREATE TABLE finding (id integer PRIMARY KEY)")
    dump = ["pg_dump", "--no-owner", "--no-privileges", "--role=journal"]
    saved = subprocess.run(
        [*dump, stack.address(JOURNAL, "journal")], capture_output=True, text=True, check=False
    )
    assert saved.returncode == 0, saved.stderr
    assert "CREATE TABLE public.prediction" in saved.stdout
    assert "monitor" not in saved.stdout


def test_a_new_secret_brings_a_new_role_and_the_former_one_ends_within_the_hour(
    stack: Stack,
) -> None:
    deploy(stack)
    stack.give("monitor_url", "monitor_5e6f", "word-2")
    deploy(stack)
    with psycopg.connect(stack.cluster.url) as superuser:
        roles = superuser.execute(
            "SELECT rolname, rolvaliduntil < now() + interval '61 minutes' FROM pg_roles"
            r" WHERE rolname LIKE 'monitor\_%' AND rolcanlogin ORDER BY 1"
        ).fetchall()
        assert roles == [(MONITOR, True), ("monitor_5e6f", False)]
        superuser.execute(f"ALTER ROLE {MONITOR} VALID UNTIL '2020-01-01'".encode())
    deploy(stack)
    with psycopg.connect(stack.cluster.url) as superuser:
        left = superuser.execute(r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'monitor\_%'")
        assert left.fetchall() == [("monitor_5e6f",)]


@pytest.mark.parametrize("user", ["tester", "journal", JOURNAL, "monitor", "monitor_3c4d;--"])
def test_a_secret_that_names_another_role_changes_nothing(untouched: Stack, user: str) -> None:
    untouched.give("monitor_url", user, "taken-over")
    outcome = untouched.run("monitor.sql")
    assert outcome.returncode == 3 and "names no role monitor_" in outcome.stderr
    assert "taken-over" not in outcome.stderr
    with psycopg.connect(untouched.cluster.url) as superuser:
        [(roles,)] = superuser.execute(
            "SELECT count(*) FROM pg_roles WHERE rolname = 'monitor'"
        ).fetchall()
    assert roles == 0
