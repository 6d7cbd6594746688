"""Passwords of the journal's database, changed while everything runs, and a guest who may use it for a while.

A one-off job in the Swarm reads the passwords from their secrets and tells the database; they never leave the Swarm.
The journal gets a new role with each new password, and its former roles stay good for an hour: replicas that have not
been replaced yet go on shipping. What signs in too late waits in the spool. No prediction waits for any of it.

A guest is a role with a password of this moment, dropped when the work is done. Nobody outside of the Swarm knows the
database's own passwords, and nobody has to: who may start a job in the Swarm may have a guest let in.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from scripts.command.checkout import ROOT
from scripts.command.outcome import Refused
from scripts.engine import job, secrets_and_configs
from scripts.engine.docker import docker_json

PASSWORDS = ("db_password", "journal_url", "monitor_url")
MONITOR_ROLE = "stack/monitor.sql"
#: Every password that the superuser may have is tried: after an attempt that broke off it is not the newest.
SIGN_IN = """
export PGHOST=db PGUSER=postgres PGDATABASE=postgres PGCONNECT_TIMEOUT=5
signed_in=
for file in /run/secrets/superuser_*; do
    PGPASSWORD=$(cat "$file"); export PGPASSWORD
    if said=$(psql -qtAc 'SELECT 1' 2>&1); then signed_in=yes; break; fi
done
[ -n "$signed_in" ] || { echo "$said" >&2; exit 1; }
"""
# Neither a statement nor its failure may be logged by the server: the password is in it.
QUIET = """
psql -q --no-psqlrc -v ON_ERROR_STOP=1 <<'END'
SET log_min_error_statement = panic; SET log_statement = none; SET log_min_duration_statement = -1;
"""
SUPERUSER = r"""
\set word `cat /run/secrets/new`
ALTER ROLE postgres PASSWORD :'word';
"""
JOURNAL = r"""
\set user `sed 's,^.*://,,; s,:.*,,' /run/secrets/new`
\set word `sed 's,^.*://[^:]*:,,; s,@.*,,' /run/secrets/new`
BEGIN;
SELECT format('DROP ROLE %I', rolname) FROM pg_roles
    WHERE rolname LIKE 'journal\_%' AND rolvaliduntil < now() \gexec
SELECT format('ALTER ROLE %I VALID UNTIL %L', rolname, now() + interval '1 hour') FROM pg_roles
    WHERE rolname LIKE 'journal\_%' AND rolvaliduntil IS NULL \gexec
CREATE ROLE :"user" LOGIN PASSWORD :'word' IN ROLE journal;
ALTER ROLE :"user" SET role = 'journal';
COMMIT;
"""
CHANGES = {"db_password": SUPERUSER, "journal_url": JOURNAL}
ADMIT = r"""
\set word `cat /run/secrets/new`
BEGIN;
SELECT format('DROP ROLE %I', rolname) FROM pg_roles
    WHERE rolname LIKE 'guest\_%' AND rolvaliduntil < now() \gexec
CREATE ROLE {name} LOGIN PASSWORD :'word' IN ROLE journal;
SELECT format('ALTER ROLE {name} VALID UNTIL %L', now() + interval '{seconds} seconds') \gexec
ALTER ROLE {name} SET role = 'journal';
COMMIT;
"""
DISMISS = "DROP ROLE IF EXISTS {name};\n"


class Guest(NamedTuple):
    """Acts as the journal's owner; `image` has the database's programs."""

    name: str
    password: str
    image: str


def database_image(stack: str) -> str:
    """The image that the database runs on; the jobs need its programs."""
    name = host(stack)
    services = docker_json("service", "ls", "--filter", f"name={name}", "--format", "{{json .}}")
    if not any(service["Name"] == name for service in services):
        raise Refused(f"{stack} has no database running; `make deploy` starts it")
    facts = docker_json("service", "inspect", name)[0]
    return str(facts["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def host(stack: str) -> str:
    """What the database is called on the stack's inner network."""
    return f"{stack}_db"


def change_password(stack: str, name: str, secret: str, seconds: float) -> None:
    """Tells the database the password that is in this secret."""
    if name == "monitor_url":
        ensure_monitor_role(stack, secret, seconds)
        return
    image = database_image(stack)
    _run_as_superuser(stack, "rotate", image, CHANGES[name], {"new": secret}, seconds)


def ensure_monitor_role(stack: str, secret: str, seconds: float) -> None:
    """The monitor's role and database as stack/monitor.sql says, whatever there was before."""
    sql = (ROOT / MONITOR_ROLE).read_text(encoding="utf-8")
    files = {"monitor_url": secret}
    _run_as_superuser(stack, "monitor-role", database_image(stack), sql, files, seconds)


@contextmanager
def guest(stack: str, seconds: float) -> Iterator[Guest]:
    """A role for so many seconds at most, dropped at the end."""
    image = database_image(stack)
    role = Guest(f"guest_{secrets.token_hex(4)}", secrets.token_hex(32), image)
    # A guest that is never dropped, for its process was killed, can do nothing after this time.
    admit = ADMIT.format(name=role.name, seconds=int(seconds) + 60)
    secret = secrets_and_configs.create("secret", stack, "guest", role.password)
    try:
        _run_as_superuser(stack, "guest", image, admit, {"new": secret}, seconds)
    finally:
        secrets_and_configs.remove("secret", secret)
    try:
        yield role
    finally:
        dismiss = DISMISS.format(name=role.name)
        _run_as_superuser(stack, "guest", image, dismiss, {}, 60.0)


def _run_as_superuser(
    stack: str, purpose: str, image: str, sql: str, files: dict[str, str], seconds: float
) -> None:
    """Runs SQL in a job with these secrets."""
    passwords = secrets_and_configs.listed("secret", stack, "db_password")
    # A password that is being made known is not one that the database knows.
    tried = [each.object for each in reversed(passwords) if each.object not in files.values()]
    superuser = {f"superuser_{place}": name for place, name in enumerate(tried)}
    job.run(stack, purpose, image, f"{SIGN_IN}{QUIET}{sql}END\n", superuser | files, seconds)
