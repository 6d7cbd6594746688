"""Saves the journal's database, brings it back, and tries on an empty server whether it would come back.

    python -m scripts.operate backup [FILE]         to build/backups/<stack>-<time>.dump
    python -m scripts.operate restore FILE          what is there now is saved first
    python -m scripts.operate restore-test [FILE]   FILE, or a fresh one, on an empty server of its own

The bytes stream through a container on the engine that DOCKER_HOST names, which has to be a manager's: the database
may be on any node. A file is read through to its end before anything is touched. Exit codes: 0 done, 1 refused,
3 deadline.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from outside.values import PATH, Outside
from scripts.command import files
from scripts.command.options import parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.credentials.database import Guest, database_image, guest, host
from scripts.engine import backups, container
from scripts.ledger import records
from scripts.stack_file import settings

TABLES = ("prediction", "truth")
DEADLINE = 3600.0
#: Of a container, whose root nobody can write to.
SCRATCH = ("--tmpfs", "/tmp")  # nosec B108
COUNT = (
    "SELECT 'prediction', count(*) FROM prediction UNION ALL SELECT 'truth', count(*) FROM truth"
)
#: The first line of the input is the password.
SIGN_IN = "read -r PGPASSWORD; export PGPASSWORD PGHOST={host} PGUSER={user} PGDATABASE=journal\n"
SAVE = "exec pg_dump --format=custom --no-owner --no-privileges --role=journal\n"
CHECK = "pg_restore --list >/tmp/list; cat /tmp/list\n"
READ_THROUGH = "exec pg_restore --file=/dev/null\n"
COUNT_ROWS = f'exec psql -qtAX -F " " -v ON_ERROR_STOP=1 -c "{COUNT}"\n'
# The last word is said only when the file was read to its end: otherwise nothing has happened.
INSERT = """
{{
    echo 'BEGIN;'
    printf '%s\\n' "SELECT format('DROP TABLE IF EXISTS public.%I CASCADE', tablename)" \
        "FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user \\\\gexec"
    pg_restore --no-owner --no-privileges --file=- && echo 'COMMIT;'
}} | psql -qX -v ON_ERROR_STOP=1 >/dev/null
{then}
"""
EMPTY_SERVER = """
export PGDATA=/var/lib/postgresql/data/scratch PGHOST=/tmp PGUSER=postgres PGDATABASE=postgres
initdb --username=postgres --auth=trust >/dev/null
pg_ctl start --wait --silent --log=/tmp/log -o "-k /tmp -c listen_addresses= -c fsync=off" </dev/null
"""


def save(stack: str, file: Path, seconds: float) -> dict[str, Any]:
    """A file that has been read back to its end; half a file never has its name."""
    begun = time.time()
    with files.whole(file) as part:
        with guest(stack, seconds) as role, files.create_private(part) as out:
            _as_guest(stack, role, SAVE, (), out, seconds)
        _check(database_image(stack), part, seconds)
        facts = {"file": str(file), "bytes": part.stat().st_size, "sha256": files.sha256(part)}
        files.write_json(beside(file), facts)
    say(f"{file}: {facts['bytes']} bytes, read back to the end")
    backups.note(stack, begun, facts)
    return {"stack": stack, **facts}


def restore(stack: str, file: Path, folder: Path, seconds: float) -> dict[str, Any]:
    """All of the file or nothing of it, in one transaction; predictions go on meanwhile."""
    _check(database_image(stack), file, seconds)
    before = save(stack, _fresh(stack, folder, "before-restore"), seconds)
    with guest(stack, seconds) as role, file.open("rb") as source:
        script = INSERT.format(then=COUNT_ROWS)
        words = _captured(lambda to: _as_guest(stack, role, script, (source,), to, seconds))
    rows = _rows(words)
    say(f"{file} is restored: {_in_words(rows)}. What was there before is in {before['file']}")
    return {"stack": stack, "file": str(file), "rows": rows, "before": before["file"]}


def test(stack: str, file: Path | None, folder: Path, seconds: float) -> dict[str, Any]:
    """Does the file fill an empty server? Of a fresh one, are the rows there that the database has?"""
    bounds: tuple[dict[str, int], dict[str, int]] | None = None
    if file is None:
        file = _fresh(stack, folder, "test")
        least = count(stack, seconds)
        save(stack, file, seconds)
        bounds = least, count(stack, seconds)
    image = database_image(stack)
    _check(image, file, seconds)
    uid = settings.around(stack, records.last_inputs(stack)).get("DB_UID", "999")
    flags = ("--network", "none", "--user", f"{uid}:{uid}", *SCRATCH)
    volume = ("--volume", "/var/lib/postgresql/data", "--tmpfs", "/var/run/postgresql")
    script = EMPTY_SERVER + INSERT.format(then=COUNT_ROWS.replace("exec ", ""))
    with file.open("rb") as source:
        words = _captured(
            lambda to: container.run(image, script, (*flags, *volume), (source,), to, seconds)
        )
    rows = _rows(words)
    for name in TABLES if bounds else ():
        assert bounds is not None
        if not bounds[0][name] <= rows[name] <= bounds[1][name]:
            raise Refused(
                f"{file} has {rows[name]} rows of {name}, the database has"
                f" {bounds[0][name]} to {bounds[1][name]}; the backup is not whole",
                rows=rows,
            )
    say(f"{file} came back on an empty server: {_in_words(rows)}")
    return {"stack": stack, "file": str(file), "rows": rows}


def count(stack: str, seconds: float) -> dict[str, int]:
    """The rows of each table, as the database has them now."""
    with guest(stack, seconds) as role:
        return _rows(_captured(lambda to: _as_guest(stack, role, COUNT_ROWS, (), to, seconds)))


def beside(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def _check(image: str, file: Path, seconds: float) -> None:
    """Refused, unless it is a whole dump of a journal."""
    if not file.is_file():
        raise Refused(f"there is no file {file}")
    saved = files.read_json(beside(file))
    if saved and saved.get("sha256") != files.sha256(file):
        raise Refused(
            f"{file} is not the file that was saved: nothing was changed. {beside(file)} has another hash"
        )
    flags = ("--network", "none", "--user", "65534:65534", *SCRATCH)
    try:
        with file.open("rb") as source:
            table = _captured(lambda to: container.run(image, CHECK, flags, (source,), to, seconds))
        with file.open("rb") as source:
            _captured(lambda to: container.run(image, READ_THROUGH, flags, (source,), to, seconds))
    except Refused as error:
        raise Refused(f"{file} is no whole dump; nothing was changed. {error}") from error
    missing = [name for name in TABLES if f" TABLE public {name} " not in table]
    if missing:
        raise Refused(f"{file} is no journal: it lacks {', '.join(missing)}; nothing was changed")


def _as_guest(
    stack: str,
    role: Guest,
    script: str,
    stdin: Iterable[bytes | IO[bytes]],
    out: IO[bytes],
    seconds: float,
) -> None:
    flags = ("--network", f"{stack}_internal", "--user", "65534:65534", *SCRATCH)
    words = SIGN_IN.format(host=host(stack), user=role.name) + script
    container.run(role.image, words, flags, (f"{role.password}\n".encode(), *stdin), out, seconds)


def _captured(act: Callable[[IO[bytes]], None]) -> str:
    with tempfile.TemporaryFile() as out:
        act(out)
        out.seek(0)
        return out.read().decode()


def _rows(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in (line.split() for line in text.splitlines())}


def _in_words(rows: dict[str, int]) -> str:
    return ", ".join(f"{number} rows of {name}" for name, number in rows.items())


def _fresh(stack: str, folder: Path, purpose: str = "") -> Path:
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
    return folder / f"{stack}-{moment}{purpose and '-'}{purpose}.dump"


def _options(verb: str, needed: str = "") -> argparse.Namespace:
    line = parser(f"operate {verb}", __doc__, DEADLINE)
    line.add_argument("file", nargs="?", default=Outside("FILE", PATH, needed=needed))
    return parsed(line, None)


def main() -> int:
    options = _options("backup")
    file = Path(options.file or _fresh(options.stack, files.backups()))
    return finish(lambda: save(options.stack, file, options.deadline), options.json)


def main_restore() -> int:
    options = _options("restore", "the file that `make backup` wrote")
    stack, file, folder = options.stack, Path(options.file), files.backups()
    return finish(lambda: restore(stack, file, folder, options.deadline), options.json)


def main_test() -> int:
    options = _options("restore-test")
    file = Path(options.file) if options.file else None
    return finish(
        lambda: test(options.stack, file, files.backups(), options.deadline), options.json
    )
