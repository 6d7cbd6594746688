"""A guest in the journal's database: a role with a password of this moment, gone when the work is done.

Nobody outside of the Swarm knows the database's own passwords, and nobody has to: who may start a job in the Swarm may
have a guest let in.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from scripts.credentials import database
from scripts.engine import vault


class Guest(NamedTuple):
    """Acts as the journal's owner; `image` has the database's programs."""

    name: str
    password: str
    image: str


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


@contextmanager
def guest(stack: str, seconds: float) -> Iterator[Guest]:
    """Lets one in for so many seconds at most, and out again at the end."""
    image = database.database_image(stack)
    made = Guest(f"guest_{secrets.token_hex(4)}", secrets.token_hex(32), image)
    # A guest that is never shown out, for its process was killed, can do nothing after this time.
    admit = ADMIT.format(name=made.name, seconds=int(seconds) + 60)
    secret = vault.keep("secret", stack, "guest", made.password)
    try:
        database.tell(stack, "guest", image, admit, {"new": secret}, seconds)
    finally:
        vault.discard("secret", secret)
    try:
        yield made
    finally:
        database.tell(stack, "guest", image, DISMISS.format(name=made.name), {}, 60.0)


def host(stack: str) -> str:
    """What the database is called on the stack's inner network."""
    return f"{stack}_db"
