"""The journal's database in a real Swarm: its roles, its secrets, its backups; by the project's own commands."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import ROOT
from tests.support.stack_files import REQUIRED, STACK, render
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.commands import Outcome, run

pytestmark = pytest.mark.slow
NAME = "dbtest"
SCHEMA = ROOT / "service/journal/database/migrations/postgresql/001_journal.sql"
ROWS = """INSERT INTO prediction
  (prediction_id, request_id, row, at, model, version, release, arm, features, latency_ms)
SELECT n, n, 0, now(), 'm', '1', 'r', 'champion', '{"x": 1}', 1 FROM generate_series(1, 5000) n;
INSERT INTO truth (model, request_id, row, at, received_at, value)
SELECT 'm', n, 0, now(), now(), '1' FROM generate_series(1, 500) n;"""


class Database:
    """The stack with its database alone."""

    def __init__(self, swarm: Swarm, folder: Path):
        self.swarm, self.folder = swarm, folder
        self.environ = {**os.environ, **swarm.env, "STACK": NAME, "SWARMLINE_BUILD": str(folder)}

    def run(self, name: str, *arguments: str) -> Outcome:
        return run(self.environ, name, *arguments)

    def deploy(self) -> None:
        """With the secrets of this moment, as `make deploy` would."""
        code = (
            "import json; from scripts.engine.secrets_and_configs import current_secrets;"
            " print(json.dumps(current_secrets('dbtest')))"
        )
        command = [sys.executable, "-c", code]
        current = json.loads(subprocess.check_output(command, cwd=ROOT, env=self.environ))
        stack = render({**REQUIRED, **self.swarm.images, **current}, STACK)
        service = stack["services"]["db"]
        names = {secret["source"] for secret in service["secrets"]}
        # Long enough for health checks to fail; here they do not.
        service["deploy"]["update_config"]["monitor"] = "2s"
        alone = {
            "services": {"db": service},
            "networks": {"internal": stack["networks"]["internal"]},
            "volumes": {"db": {}},
            "configs": {"journal": stack["configs"]["journal"]},
            "secrets": {name: stack["secrets"][name] for name in names},
        }
        text = json.dumps(alone).replace("$", "$$")
        # Its own wait has no end where a service cannot start.
        self.swarm.docker("stack", "deploy", "--detach=true", "-c", "-", NAME, stdin=text)
        # A task runs, for Swarm, once its health check has gone well.
        wait_until(lambda: self.container() and self.updated(), "the database runs", 90)

    def updated(self) -> bool:
        form = "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{else}}completed{{end}}"
        state = self.swarm.docker("service", "inspect", "--format", form, f"{NAME}_db").strip()
        tasks = self.swarm.docker("service", "ps", "--format", "{{.CurrentState}}", f"{NAME}_db")
        return state == "completed" and tasks.startswith("Running")

    def container(self) -> str:
        return self.swarm.docker("ps", "-q", "--filter", f"name={NAME}_db").strip()

    def inside(self, *command: str, stdin: str | None = None) -> str:
        return self.swarm.docker("exec", "-i", self.container(), *command, stdin=stdin)

    def server(self) -> str:
        """Its process, as numbered inside."""
        return self.inside("sh", "-c", 'head -n 1 "$PGDATA/postmaster.pid"').strip()

    def sql(self, words: str, role: str = "postgres") -> str:
        quiet = ("psql", "-qtAX", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", "journal")
        return self.inside(*quiet, stdin=words).strip()

    def signs_in(self, password: str, role: str) -> str:
        """What the server says over the network to who has this password; empty: welcome."""
        script = 'read -r PGPASSWORD; export PGPASSWORD; psql -qtAX -h db -d journal -U "$1" -c "SELECT" 2>&1 || true'
        return self.inside("sh", "-c", script, "-", role, stdin=f"{password}\n").strip()

    def login(self) -> tuple[str, str]:
        """The password and the role that replicas sign in with."""
        address = urlsplit(self.inside("cat", "/run/secrets/journal_url").strip())
        return address.password or "", address.username or ""

    def counts(self) -> tuple[str, str]:
        return self.sql("SELECT count(*) FROM prediction"), self.sql("SELECT count(*) FROM truth")

    def down(self) -> None:
        self.swarm.docker("stack", "rm", NAME)
        wait_until(lambda: not self.container(), "the database has ended", 90)


@pytest.fixture(name="database", scope="module")
def _database(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(swarm, tmp_path_factory.mktemp("build"))
    database.run("secrets", "make").good()
    try:
        database.deploy()
        partition = "CREATE TABLE prediction_rest PARTITION OF prediction DEFAULT;"
        database.sql(f"SET ROLE journal; {SCHEMA.read_text(encoding='utf-8')} {partition} {ROWS}")
        yield database
    finally:
        database.down()


@pytest.fixture(name="saved", scope="module")
def _saved(database: Database) -> Path:
    file = database.folder / "saved.dump"
    database.run("backup", str(file)).good()
    return file


def test_a_second_server_waits_until_the_first_on_its_volume_has_ended(database: Database):
    counted, first = database.counts(), database.container()
    server, docker = database.server(), database.swarm.docker
    # It takes its time to end, as a large one does.
    docker("exec", first, "sh", "-c", f"kill -STOP {server}")
    for replicas in (0, 1):
        docker("service", "scale", "--detach", f"{NAME}_db={replicas}")
    wait_until(lambda: len(database.container().split()) == 2, "a second one has started", 60)
    (second,) = set(database.container().split()) - {first}
    wait_until(lambda: "flock" in docker("top", second, "-o", "pid,comm"), "it waits", 30)
    assert "postgres" not in docker("top", second, "-o", "pid,comm")
    docker("exec", first, "sh", "-c", f"kill -CONT {server}")
    wait_until(lambda: database.container() == second and database.updated(), "it serves", 90)
    assert database.counts() == counted


def test_the_container_may_do_nothing_that_it_need_not(database: Database):
    status = database.inside("cat", f"/proc/{database.server()}/status")
    about = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert about["Uid"].split() == ["999"] * 4 and about["NoNewPrivs"] == "1"
    assert int(about["CapEff"], 16) == int(about["CapBnd"], 16) == 0
    refused = database.inside("sh", "-c", "touch /etc/x 2>&1 || true")
    assert "Read-only file system" in refused


def test_the_journals_role_owns_its_database_and_has_no_other_right(database: Database):
    rights = database.sql(
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
        " FROM pg_roles WHERE rolname LIKE 'journal%'"
    )
    assert set(rights.splitlines()) == {"f"}
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'journal'"
    assert database.sql(owner) == "journal"


def test_no_secret_shows_in_what_docker_tells(database: Database):
    password = database.inside("cat", "/run/secrets/db_password").strip()
    words = [password, database.login()[0]]
    texts = [
        database.swarm.docker("inspect", database.container()),
        database.swarm.docker("service", "inspect", f"{NAME}_db"),
        database.swarm.manager.logs(database.container()),
        database.swarm.docker("exec", database.container(), "env"),
    ]
    assert all(len(word) == 64 for word in words)
    assert not [word for word in words for text in texts if word in text]


def test_what_was_saved_comes_back(database: Database, saved: Path):
    before = database.counts()
    assert before == ("5000", "500")
    database.sql("TRUNCATE truth; DELETE FROM prediction WHERE prediction_id::int > 100")
    done = database.run("restore", str(saved)).good()
    assert "5000 rows of prediction, 500 rows of truth" in done.words, done
    assert database.counts() == before
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert "journal" in database.sql(owners).splitlines()


@pytest.mark.thorough
def test_what_was_there_before_a_restore_is_saved(database: Database, saved: Path):
    database.sql("DELETE FROM truth WHERE request_id = '1'")
    database.run("restore", str(saved)).good()
    assert database.counts()[1] == "500"
    before, *_ = sorted((database.folder / "backups").glob("*-before-restore.dump"), reverse=True)
    database.run("restore", str(before)).good()
    assert database.counts()[1] == "499"
    database.run("restore", str(saved)).good()


@pytest.mark.parametrize("damage", ["cut off", "another hash", "text", "foreign"])
def test_a_file_that_is_no_whole_backup_changes_nothing(
    database: Database, saved: Path, tmp_path: Path, damage: str
):
    file = tmp_path / "bad.dump"
    content = saved.read_bytes()
    if damage == "cut off":
        content = content[: len(content) * 3 // 4]
    elif damage == "text":
        content = b"SELECT 1;\n"
    elif damage == "foreign":
        dump = "pg_dump -U postgres -d postgres --format=custom | base64 -w0"
        content = base64.b64decode(database.inside("sh", "-c", dump))
    else:
        content = content[:-1]
        Path(f"{file}.json").write_bytes(Path(f"{saved}.json").read_bytes())
    file.write_bytes(content)
    before = database.counts()
    done = database.run("restore", str(file))
    assert done.code == 1 and str(file) in done.words and "nothing was changed" in done.words
    assert database.counts() == before


def test_a_fresh_backup_comes_back_on_an_empty_server(database: Database):
    done = database.run("restore-test").good()
    assert "came back on an empty server: 5000 rows of prediction" in done.words, done


def test_nobody_who_was_let_in_for_a_backup_stays(database: Database, saved: Path):
    assert database.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'guest%'") == "0"
    assert "guest" not in database.swarm.docker("secret", "ls")
    services = database.swarm.docker("service", "ls", "--format", "{{.Name}}").split()
    assert [name for name in services if name.startswith(NAME)] == [f"{NAME}_db"]


def test_a_new_password_is_in_force_at_once_and_survives_a_redeploy(database: Database):
    old = database.inside("cat", "/run/secrets/db_password").strip()
    assert database.signs_in(old, "postgres") == ""
    database.run("secrets", "rotate", "db_password").good()
    assert "authentication failed" in database.signs_in(old, "postgres")
    database.deploy()
    new = database.inside("cat", "/run/secrets/db_password").strip()
    assert new != old and database.signs_in(new, "postgres") == ""


def test_replicas_that_still_have_the_former_password_go_on_for_an_hour(database: Database):
    former = database.login()
    database.run("secrets", "rotate", "journal_url").good()
    assert database.signs_in(*former) == ""
    until = f"SELECT rolvaliduntil < now() + interval '61 min' FROM pg_roles WHERE rolname = '{former[1]}'"
    assert database.sql(until) == "t"
    database.deploy()
    assert database.login() != former and database.signs_in(*database.login()) == ""


@pytest.mark.thorough
def test_a_rotation_that_broke_off_is_mended_by_the_next(database: Database):
    for name in ("db_password", "journal_url"):
        done = database.run("secrets", "--deadline", "0", "rotate", name)
        assert done.code == 3 and "did not end in time" in done.words, done
        database.run("secrets", "rotate", name).good()
    database.deploy()
    new = database.inside("cat", "/run/secrets/db_password").strip()
    assert database.signs_in(new, "postgres") == ""
