"""Saves the journal's database, brings it back, and tries on an empty server whether it would come back.

    python -m scripts.operate.backup save [FILE]         to build/backups/<stack>-<time>.dump
    python -m scripts.operate.backup restore FILE        what is there now is saved first
    python -m scripts.operate.backup test [FILE]         FILE, or a fresh one, on an empty server of its own

The bytes stream through a container on the engine that DOCKER_HOST names, which has to be a manager's: the database
may be on any node. A file is read through to its end before anything is touched. Exit codes: 0 done, 1 refused,
3 deadline.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from scripts.command.options import PATH, Outside, build, parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.credentials.database import database_image
from scripts.credentials.guests import Guest, guest, host
from scripts.engine import container
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
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(file.name + ".part")
    try:
        with guest(stack, seconds) as one, _private(part) as out:
            _as_guest(stack, one, SAVE, (), out, seconds)
        _check(database_image(stack), part, seconds)
        facts = {"file": str(file), "bytes": part.stat().st_size, "sha256": _digest(part)}
        beside(file).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
    say(f"{file}: {facts['bytes']} bytes, read back to the end")
    return {"stack": stack, **facts}


def restore(stack: str, file: Path, folder: Path, seconds: float) -> dict[str, Any]:
    """All of the file or nothing of it, in one transaction; predictions go on meanwhile."""
    _check(database_image(stack), file, seconds)
    before = save(stack, _fresh(stack, folder, "before-restore"), seconds)
    with guest(stack, seconds) as one, file.open("rb") as source:
        script = INSERT.format(then=COUNT_ROWS)
        found = _captured(lambda to: _as_guest(stack, one, script, (source,), to, seconds))
    rows = _rows(found)
    say(f"{file} is restored: {_told(rows)}. What was there before is in {before['file']}")
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
        found = _captured(
            lambda to: container.run(image, script, (*flags, *volume), (source,), to, seconds)
        )
    rows = _rows(found)
    for name in TABLES if bounds else ():
        assert bounds is not None
        if not bounds[0][name] <= rows[name] <= bounds[1][name]:
            raise Refused(
                f"{file} has {rows[name]} rows of {name}, the database has"
                f" {bounds[0][name]} to {bounds[1][name]}; the backup is not whole",
                rows=rows,
            )
    say(f"{file} came back on an empty server: {_told(rows)}")
    return {"stack": stack, "file": str(file), "rows": rows}


def count(stack: str, seconds: float) -> dict[str, int]:
    """The rows of each table, as the database has them now."""
    with guest(stack, seconds) as one:
        return _rows(_captured(lambda to: _as_guest(stack, one, COUNT_ROWS, (), to, seconds)))


def beside(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def _check(image: str, file: Path, seconds: float) -> None:
    """Refused, unless it is a whole dump of a journal."""
    if not file.is_file():
        raise Refused(f"there is no file {file}")
    if beside(file).is_file():
        told = json.loads(beside(file).read_text(encoding="utf-8"))
        if told.get("sha256") != _digest(file):
            raise Refused(
                f"{file} is not the file that was saved: nothing was changed. {beside(file)} has another hash"
            )
    flags = ("--network", "none", "--user", "65534:65534", *SCRATCH)
    try:
        with file.open("rb") as source:
            found = _captured(lambda to: container.run(image, CHECK, flags, (source,), to, seconds))
        with file.open("rb") as source:
            _captured(lambda to: container.run(image, READ_THROUGH, flags, (source,), to, seconds))
    except Refused as error:
        raise Refused(f"{file} is no whole dump; nothing was changed. {error}") from error
    missing = [name for name in TABLES if f" TABLE public {name} " not in found]
    if missing:
        raise Refused(f"{file} is no journal: it lacks {', '.join(missing)}; nothing was changed")


def _as_guest(
    stack: str,
    one: Guest,
    script: str,
    given: Iterable[bytes | IO[bytes]],
    out: IO[bytes],
    seconds: float,
) -> None:
    flags = ("--network", f"{stack}_internal", "--user", "65534:65534", *SCRATCH)
    words = SIGN_IN.format(host=host(stack), user=one.name) + script
    container.run(one.image, words, flags, (f"{one.password}\n".encode(), *given), out, seconds)


def _captured(act: Callable[[IO[bytes]], None]) -> str:
    with tempfile.TemporaryFile() as out:
        act(out)
        out.seek(0)
        return out.read().decode()


def _rows(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in (line.split() for line in text.splitlines())}


def _told(rows: dict[str, int]) -> str:
    return ", ".join(f"{number} rows of {name}" for name, number in rows.items())


def _digest(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _private(file: Path) -> IO[bytes]:
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _fresh(stack: str, folder: Path, purpose: str = "") -> Path:
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
    return folder / f"{stack}-{moment}{purpose and '-'}{purpose}.dump"


def main(arguments: list[str] | None = None) -> int:
    made = parser("backup", __doc__, DEADLINE)
    verbs = made.add_subparsers(dest="verb", required=True)
    for verb, needed in (
        ("save", ""),
        ("restore", "the file that `make backup` wrote"),
        ("test", ""),
    ):
        outside = Outside("FILE", PATH, needed=needed)
        verbs.add_parser(verb).add_argument("file", nargs="?", default=outside)
    options = parsed(made, arguments)
    stack, seconds = options.stack, options.deadline
    file, folder = Path(options.file) if options.file else None, build() / "backups"
    acts: dict[str, Callable[[], dict[str, Any]]] = {
        "save": lambda: save(stack, file or _fresh(stack, folder), seconds),
        "restore": lambda: restore(stack, Path(options.file), folder, seconds),
        "test": lambda: test(stack, file, folder, seconds),
    }
    return finish(acts[options.verb], options.json)


if __name__ == "__main__":
    sys.exit(main())
