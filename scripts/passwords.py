"""New passwords for the database's roles, while everything runs.

A one-off job in the Swarm reads the old and the new password from their secrets and tells the database; the passwords
never leave the Swarm. Replicas that still have the old one keep their open connections; where they cannot open new
ones, predictions wait in the spool until the replica is replaced. No prediction waits for any of it.
"""

from __future__ import annotations

from scripts import jobs, vault
from scripts.docker import docker_json
from scripts.outcome import Refused

#: The role whose password is in each secret.
ROLES = dict([("db_password", "postgres"), ("journal_url", "journal")])
#: What an empty database runs first. The journal's role owns its database, and has no other right.
FIRST_START = """SET log_min_error_statement = panic;
CREATE ROLE journal LOGIN PASSWORD '{password}';
CREATE DATABASE journal OWNER journal;
REVOKE ALL ON DATABASE journal FROM PUBLIC;
"""
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
# Neither the statement nor its failure may be logged by the server: the password is in it.
CHANGE = """
word=$(sed 's,^[^:]*://[^:]*:,,; s,@.*,,' /run/secrets/new)
printf '%s\\n' \
    'SET log_min_error_statement = panic;' 'SET log_statement = none;' \
    'SET log_min_duration_statement = -1;' "ALTER ROLE {role} PASSWORD '$word';" |
    psql -q --no-psqlrc -v ON_ERROR_STOP=1
"""


def database_image(stack: str) -> str:
    """The image that the database runs on; the jobs need its programs."""
    found = docker_json("service", "ls", "--filter", f"name={stack}_db", "--format", "{{json .}}")
    if not any(one["Name"] == f"{stack}_db" for one in found):
        raise Refused(f"{stack} has no database running; `make deploy` starts it")
    service = docker_json("service", "inspect", f"{stack}_db")[0]
    return str(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def superuser(stack: str, but: str = "") -> dict[str, str]:
    """The passwords that the superuser may have, newest first, as files for a job."""
    found = [one.object for one in reversed(vault.kept("secret", stack, "db_password"))]
    left = [one for one in found if one != but]
    return {f"superuser_{place}": one for place, one in enumerate(left)}


def change(stack: str, name: str, made: str, seconds: float) -> None:
    """Tells the database the password that is in the secret `made`."""
    given = {**superuser(stack, but=made), "new": made}
    script = SIGN_IN + CHANGE.replace("{role}", ROLES[name])
    jobs.run(stack, "rotate", database_image(stack), script, given, seconds)
