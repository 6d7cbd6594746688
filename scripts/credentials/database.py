"""New passwords for the database, while everything runs.

A one-off job in the Swarm reads the passwords from their secrets and tells the database; they never leave the Swarm.
The journal gets a new role with each new password, and its former roles stay good for an hour: replicas that have not
been replaced yet go on shipping. What signs in too late waits in the spool. No prediction waits for any of it.
"""

from __future__ import annotations

from scripts.command.outcome import Refused
from scripts.engine import job, vault
from scripts.engine.docker import docker_json

PASSWORDS = ("db_password", "journal_url")
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
CHANGES = dict(zip(PASSWORDS, (SUPERUSER, JOURNAL), strict=True))


def database_image(stack: str) -> str:
    """The image that the database runs on; the jobs need its programs."""
    found = docker_json("service", "ls", "--filter", f"name={stack}_db", "--format", "{{json .}}")
    if not any(one["Name"] == f"{stack}_db" for one in found):
        raise Refused(f"{stack} has no database running; `make deploy` starts it")
    service = docker_json("service", "inspect", f"{stack}_db")[0]
    return str(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def tell(
    stack: str, purpose: str, image: str, words: str, given: dict[str, str], seconds: float
) -> None:
    """Says this SQL to the database, as its superuser, in a job with these secrets."""
    # A password that is being made known is not one that the database knows.
    found = [one.object for one in reversed(vault.kept("secret", stack, "db_password"))]
    known = [one for one in found if one not in given.values()]
    files = {f"superuser_{place}": one for place, one in enumerate(known)}
    script = f"{SIGN_IN}{QUIET}{words}END\n"
    job.run(stack, purpose, image, script, files | given, seconds)


def change(stack: str, name: str, made: str, seconds: float) -> None:
    """Tells the database the password that is in the secret `made`."""
    tell(stack, "rotate", database_image(stack), CHANGES[name], {"new": made}, seconds)
