"""A private PostgreSQL cluster for tests: its own folder and port, ended by its own process id."""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.journal.database.connection import connect
from tests.support.machine import free_port, wait_until

DEADLINE = 30.0


def _binary(name: str) -> str | None:
    """Debian keeps the server's programs out of the path, in a folder by version."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else shutil.which(name)


@functools.cache
def _made() -> Path:
    """Where this process keeps what initdb makes: a copy of it takes a tenth of the time."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Cluster:
    """PostgreSQL refuses to run as root, so root hands it over to the user `postgres`."""

    def __init__(self, folder: Path):
        self._initdb, self._server = _binary("initdb"), _binary("postgres")
        if self._initdb is None or self._server is None:
            pytest.skip("NO POSTGRESQL: initdb is missing; `apt-get install -y postgresql`")
        self._owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._own(folder)
        made = _made() / "data"
        if not made.exists():
            self._own(_made())
            self._run(self._initdb, "-D", str(made), "-U", "tester", "-A", "trust", "-N")
        self._run("cp", "-a", str(made), str(self._data))

    @property
    def url(self) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def start(self, *options: str) -> None:
        """With more options of the server, such as `-c`, `work_mem=4MB`."""
        command = [
            *(str(self._server), "-D", str(self._data), "-p", str(self.port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._data}"),
            *("-c", "fsync=off", "-c", "max_connections=40", "-c", "shared_buffers=32MB"),
            *options,
        ]
        self._process = subprocess.Popen(
            command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **self._as_owner()
        )
        wait_until(self._answers, "PostgreSQL answers", DEADLINE)

    def stop(self) -> None:
        """At once, as a machine that goes away; the next start recovers."""
        if self._process is not None:
            # SIGQUIT is PostgreSQL's immediate shutdown; its children end with it.
            self._process.send_signal(3)
            self._process.wait(DEADLINE)
            self._process = None

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, "PostgreSQL ended at its start"
        ready = _binary("pg_isready")
        command = [str(ready), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-d", "postgres"]
        return subprocess.run(command, check=False).returncode == 0

    def _own(self, folder: Path) -> None:
        """Temporary folders are closed to others: let the owner in, and give it this one."""
        if self._owner is None:
            return
        os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
        for parent in folder.parents:
            if parent.stat().st_uid == os.geteuid() and parent.is_relative_to("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o011)

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._as_owner())

    def _as_owner(self) -> dict[str, Any]:
        if self._owner is None:
            return {}
        return {
            "user": self._owner.pw_uid,
            "group": self._owner.pw_gid,
            "extra_groups": [],
            "cwd": self._data.parent,
        }


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    # Not below tmp_path: the server's own user must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = Cluster(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def empty(url: str, *schemas: str) -> str:
    """The URL of a database that had these schemas, and has `public` alone, without a table."""
    engine = connect(url)
    with engine.begin() as connection:
        for schema in ("public", *schemas):
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url
