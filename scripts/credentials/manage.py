"""The stack's secrets: made at random, rotated, listed; never printed, and never read back from the Swarm.

    python -m scripts.credentials.manage [make] [--certificate FILE --key FILE | --self-signed HOST] [--plain-names]
    python -m scripts.credentials.manage list
    python -m scripts.credentials.manage rotate NAME
    python -m scripts.credentials.manage add-key NAME --scopes predict,truth [--models a,b]
    python -m scripts.credentials.manage revoke-key NAME

`make` makes what is missing, and takes a new certificate; with --plain-names under the names that stack.yml has, for
`docker stack deploy`. A change takes effect with the next `make deploy`, replica by
replica. What people need goes to build/secrets/, for its owner alone. Exit codes: 0 done, 1 refused, 3 deadline.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.command.options import build, parsed
from scripts.command.outcome import Refused, finish, say
from scripts.credentials import api_keys, certificates, database
from scripts.credentials.options import command_line
from scripts.engine import vault

CERTIFICATE, NEEDED = vault.CERTIFICATE, vault.NEEDED
NAMES = (*NEEDED, CERTIFICATE)
#: Each variable of stack.yml, and the secret whose object it names. `journal_role` is asked for by releases of before.
VARIABLES = {f"{name.upper()}_SECRET": name for name in (*NAMES, "journal_role")}
ROTATABLE = ("db_password", "journal_url", "journal_key", "edge_key")
LINES = "key_lines"
#: The smoke test after a deploy asks each arm by name, for which the service wants `admin`.
FIRST_KEY, FIRST_SCOPES = "deployer", "predict,admin"
DEADLINE = 180.0


def current(stack: str) -> dict[str, str]:
    """The object that each variable of stack.yml has to name; those that were made."""
    newest = {one.name: one.object for one in vault.kept("secret", stack)}
    return {variable: newest[name] for variable, name in VARIABLES.items() if name in newest}


def make(stack: str, folder: Path, certificate: str = "", plain: bool = False) -> dict[str, Any]:
    """What is missing, so that it can be said again and again; and the certificate if one is given."""
    there = current(stack)
    if plain:
        _need_plain(stack, there, certificate)
    made = []
    for name in NEEDED:
        if f"{name.upper()}_SECRET" in there:
            continue
        if name == "keys":
            _first_key(stack, folder, plain)
        else:
            _keep_fresh(stack, folder, name, plain)
        made.append(name)
    if certificate:
        _keep_certificate(stack, folder, certificate, plain)
        made.append(CERTIFICATE)
    say(f"made {', '.join(made)}" if made else "every secret is there already")
    return {"stack": stack, "made": made, "folder": str(folder)}


def _need_plain(stack: str, there: Mapping[str, str], certificate: str) -> None:
    """A Swarm gives no secret back, so none can be had under another name; nor can one be changed."""
    other = [
        one
        for variable, one in there.items()
        if one != vault.plain_name(stack, VARIABLES[variable])
    ]
    if other:
        raise Refused(
            f"stack {stack} has secrets under other names ({', '.join(other)}), and a Swarm gives none back:"
            " `make stack-file` writes a file that names them"
        )
    if certificate and f"{CERTIFICATE.upper()}_SECRET" in there:
        raise Refused(
            f"{vault.plain_name(stack, CERTIFICATE)} is there, and a Swarm changes no secret: without"
            " --plain-names a new one is made, which `make deploy` and `make stack-file` name"
        )


def rotate(stack: str, folder: Path, name: str, seconds: float = DEADLINE) -> dict[str, Any]:
    """A new secret of this name; of a password, the database knows it at once."""
    if name == "keys":
        raise Refused("keys change one by one: add-key a new one, deploy, then revoke-key the old")
    if name == CERTIFICATE:
        raise Refused("a new certificate comes with `make`: --certificate and --key")
    if name not in ROTATABLE:
        raise Refused(f"there is no secret {name!r} to rotate; allowed are {', '.join(ROTATABLE)}")
    if f"{name.upper()}_SECRET" not in current(stack):
        raise Refused(f"{stack} has no {name} yet; `make secrets` makes it")
    if name in database.PASSWORDS:
        # Asked first: without a database nothing is made.
        database.database_image(stack)
    made = _keep_fresh(stack, folder, name)
    if name in database.PASSWORDS:
        try:
            database.change(stack, name, made, seconds)
        except BaseException:
            # A password that the superuser may have by now is never thrown away: all that are there are tried.
            if name != "db_password":
                vault.discard("secret", made)
            say(f"{name} may have been changed or not; rotate it once more")
            raise
    say(f"{name} is new; `make deploy` brings it to the containers, one by one")
    return {"stack": stack, "rotated": name, "objects": {name: made}}


def add_key(stack: str, folder: Path, name: str, scopes: str, models: str) -> dict[str, Any]:
    key = api_keys.new_key()
    line = api_keys.line_of(name, scopes, key, models)
    _keep_lines(stack, api_keys.with_line(_lines(stack), line))
    path = _hand_out(folder, name, key)
    say(f"{path} has the key; only its hash is kept elsewhere. `make deploy` lets it in")
    return {"stack": stack, "key": name, "file": str(path)}


def revoke_key(stack: str, name: str) -> dict[str, Any]:
    _keep_lines(stack, api_keys.without(_lines(stack), name))
    say(f"{name} is revoked; it is shut out once `make deploy` has replaced the replicas")
    return {"stack": stack, "revoked": name}


def overview(stack: str) -> dict[str, Any]:
    """Names and ages, and who has a key; no content."""
    found = [one._asdict() | {"content": None} for one in vault.kept("secret", stack)]
    inverse = {name: variable for variable, name in VARIABLES.items()}
    newest = current(stack)
    for one in found:
        one["current"] = newest.get(inverse.get(one["name"], "")) == one["object"]
        say(
            f"{'*' if one['current'] else ' '} {one['name']:<17} {one['created'][:19]}  {one['object']}"
        )
        del one["content"]
    lines = vault.newest("config", stack, LINES)
    people = [line.split(":") for line in (lines.content if lines else "").splitlines()]
    for name, scopes, _, *models in people:
        say(f"  key {name}: {scopes}{' on ' + models[0] if models else ''}")
    wanted = {f"{name.upper()}_SECRET" for name in NAMES}
    missing = sorted(wanted - set(newest))
    return {
        "stack": stack,
        "secrets": found,
        "missing": missing,
        "keys": [one[0] for one in people],
    }


def _keep_fresh(stack: str, folder: Path, name: str, plain: bool = False) -> str:
    """A new random object, in the form in which its reader wants it."""
    word = secrets.token_hex(32)
    content = word
    if name == "journal_url":
        content = f"postgresql://journal_{secrets.token_hex(4)}:{word}@db:5432/journal"
    if name == "edge_key":
        # The edge compares hashes, so its file is of no use to who reads it.
        _hand_out(folder, "edge", word)
        content = api_keys.digest(word) + "\n"
    return vault.keep("secret", stack, name, content, plain)


def _first_key(stack: str, folder: Path, plain: bool) -> None:
    key = api_keys.new_key()
    _keep_lines(stack, api_keys.line_of(FIRST_KEY, FIRST_SCOPES, key) + "\n", plain)
    _hand_out(folder, FIRST_KEY, key)


def _lines(stack: str) -> str:
    found = vault.newest("config", stack, LINES)
    if found is None and "KEYS_SECRET" in current(stack):
        raise Refused(
            f"the keys of {stack} were made by hand, and a Swarm gives no secret back: make the next one with"
            f" all lines, `docker secret create --label {vault.STACK}={stack} --label {vault.NAME}=keys`"
        )
    if found is None:
        raise Refused(f"{stack} has no keys yet; `make secrets` makes the first")
    return found.content


def _keep_lines(stack: str, lines: str, plain: bool = False) -> None:
    # The lines first: if the second step fails, no key is in force that they do not have.
    vault.keep("config", stack, LINES, lines)
    vault.keep("secret", stack, "keys", lines, plain)


def _keep_certificate(stack: str, folder: Path, text: str, plain: bool = False) -> None:
    vault.keep("secret", stack, CERTIFICATE, text, plain)
    # Its open part for whoever deploys or asks from another machine.
    vault.keep("config", stack, CERTIFICATE, certificates.open_part(text))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "edge.crt").write_text(certificates.open_part(text), encoding="ascii")
    expires = certificates.expiry(text)
    left = (expires - dt.datetime.now(dt.UTC)).days
    soon = " Renew it soon." if left < certificates.SOON_DAYS else ""
    say(f"the certificate is valid until {expires:%F}, {left} days.{soon}")


def _hand_out(folder: Path, name: str, key: str) -> Path:
    """The only place where a key is ever written as it is: a file for its owner alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.key"
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as writer:
        writer.write(key + "\n")
    return path


def _certificate(options: argparse.Namespace) -> str:
    if bool(options.certificate) != bool(options.key):
        raise Refused("--certificate and --key belong together; give both")
    if options.certificate:
        return certificates.from_files(options.certificate, options.key)
    return certificates.self_signed(options.self_signed) if options.self_signed else ""


def main(arguments: list[str] | None = None) -> int:
    options = parsed(command_line(__doc__, DEADLINE), arguments)
    stack = options.stack
    folder = build() / "secrets"
    acts: dict[str, Callable[[], dict[str, Any]]] = {
        "make": lambda: make(stack, folder, _certificate(options), options.plain_names),
        "list": lambda: overview(stack),
        "rotate": lambda: rotate(stack, folder, options.name, options.deadline),
        "add-key": lambda: add_key(stack, folder, options.name, options.scopes, options.models),
        "revoke-key": lambda: revoke_key(stack, options.name),
    }
    return finish(acts[options.verb], options.json)


if __name__ == "__main__":
    sys.exit(main())
