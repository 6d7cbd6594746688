"""The stack's secrets: made at random, rotated, listed; never printed, and never read back from the Swarm."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.command import files
from scripts.command.outcome import Refused, say
from scripts.credentials import api_keys, certificates, database
from scripts.engine import secrets_and_configs
from scripts.engine.secrets_and_configs import (
    CERTIFICATE,
    MONITORING,
    NAMES,
    NEEDED,
    VARIABLES,
    plain_name,
)

ROTATABLE = (*NEEDED[1:], *MONITORING)
#: What other services give out, so that people bring it. Until then it says `none`, since no secret may be empty.
BROUGHT = (
    *("monitor_mlflow_password", "elastic_key", "alert_mail_password", "alert_webhook"),
    "retrain_token",
)
NONE = "none"
LINES = "key_lines"
#: The smoke test after a deploy asks each arm by name, for which the service wants `admin`.
FIRST_KEY, FIRST_SCOPES = "deployer", "predict,admin"
DEADLINE = 180.0


def make(stack: str, folder: Path, certificate: str = "", plain: bool = False) -> dict[str, Any]:
    """What is missing, so that it can be said again and again; and the certificate if one is given."""
    current = secrets_and_configs.current_secrets(stack)
    if plain:
        _need_plain(stack, current, certificate)
    names = _make_missing(stack, folder, (*NEEDED, *MONITORING), current, plain)
    if certificate:
        _create_certificate(stack, folder, certificate, plain)
        names.append(CERTIFICATE)
    say(f"made {', '.join(names)}" if names else "every secret is there already")
    return {"stack": stack, "made": names, "folder": str(folder)}


def make_for_monitoring(stack: str, folder: Path) -> list[str]:
    """What stack/monitoring.yml asks for, in a stack that was made before it."""
    current = secrets_and_configs.current_secrets(stack)
    names = _make_missing(stack, folder, MONITORING, current)
    if names:
        say(f"made for monitoring: {', '.join(names)}")
    return names


def make_brought(stack: str, folder: Path) -> None:
    """What people bring says `none`, in a stack that was made before it was asked for: nothing needs it to serve.

    Where others lack, `make secrets` is to make all of them.
    """
    current = secrets_and_configs.current_secrets(stack)
    lacking = [name for name in NEEDED if f"{name.upper()}_SECRET" not in current]
    if set(lacking) <= set(BROUGHT):
        _make_missing(stack, folder, lacking, current)


def _make_missing(
    stack: str,
    folder: Path,
    wanted: Iterable[str],
    current: Mapping[str, str],
    plain: bool = False,
) -> list[str]:
    names = [name for name in wanted if f"{name.upper()}_SECRET" not in current]
    for name in names:
        if name == "keys":
            _create_first_key(stack, folder, plain)
        elif name in BROUGHT:
            _create_secret(stack, name, NONE, plain)
        else:
            _create_fresh(stack, folder, name, plain)
    return names


def _need_plain(stack: str, current: Mapping[str, str], certificate: str) -> None:
    """A Swarm gives no secret back, so none can be had under another name; nor can one be changed."""
    other = [
        called
        for variable, called in current.items()
        if called != plain_name(stack, VARIABLES[variable])
    ]
    if other:
        raise Refused(
            f"stack {stack} has secrets under other names ({', '.join(other)}), and a Swarm gives none back:"
            " `make stack-file` writes a file that names them"
        )
    if certificate and f"{CERTIFICATE.upper()}_SECRET" in current:
        raise Refused(
            f"{plain_name(stack, CERTIFICATE)} is there, and a Swarm changes no secret: without"
            " --plain-names a new one is made, which `make deploy` and `make stack-file` name"
        )


def rotate(
    stack: str, folder: Path, name: str, file: Path | None = None, seconds: float = DEADLINE
) -> dict[str, Any]:
    """A new secret of this name, made at random or brought in a file; of a password, the database knows it at once."""
    _need_rotatable(stack, name)
    brought = _brought(name, file)
    if name in database.PASSWORDS:
        # Asked first: without a database nothing is made.
        database.database_image(stack)
    secret = (
        _create_secret(stack, name, brought, False)
        if brought
        else _create_fresh(stack, folder, name)
    )
    if name in database.PASSWORDS:
        try:
            database.change_password(stack, name, secret, seconds)
        except BaseException:
            # A password that the superuser may have by now is never thrown away: all that are there are tried.
            if name != "db_password":
                secrets_and_configs.remove("secret", secret)
            say(f"{name} may have been changed or not; rotate it once more")
            raise
    say(f"{name} is new; `make deploy` brings it to the containers, one by one")
    return {"stack": stack, "rotated": name, "objects": {name: secret}}


def _need_rotatable(stack: str, name: str) -> None:
    if name == "keys":
        raise Refused("keys change one by one: add-key a new one, deploy, then revoke-key the old")
    if name == CERTIFICATE:
        raise Refused("a new certificate comes with `make`: --certificate and --key")
    if name not in ROTATABLE:
        raise Refused(f"there is no secret {name!r} to rotate; allowed are {', '.join(ROTATABLE)}")
    if f"{name.upper()}_SECRET" not in secrets_and_configs.current_secrets(stack):
        raise Refused(f"{stack} has no {name} yet; `make secrets` makes it")


def _brought(name: str, file: Path | None) -> str:
    """What the file holds, of a secret that people bring; nothing of one that is made here."""
    if name not in BROUGHT:
        if file is not None:
            raise Refused(f"{name} is made at random; --file is for {' and '.join(BROUGHT)}")
        return ""
    if file is None:
        raise Refused(
            f"{name} is given out elsewhere: bring it with --file FILE; a file of `{NONE}` takes it away"
        )
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read as text: {error}") from error
    if not text or len(text.splitlines()) > 1:
        raise Refused(f"{file} must hold one line, the {name.replace('_', ' ')}")
    return text


def add_key(stack: str, folder: Path, name: str, scopes: str, models: str) -> dict[str, Any]:
    key = api_keys.new_key()
    line = api_keys.line_of(name, scopes, key, models)
    _create_lines(stack, api_keys.with_line(_lines(stack), line))
    path = _hand_out(folder, name, key)
    say(f"{path} has the key; only its hash is kept elsewhere. `make deploy` lets it in")
    return {"stack": stack, "key": name, "file": str(path)}


def revoke_key(stack: str, name: str) -> dict[str, Any]:
    _create_lines(stack, api_keys.without(_lines(stack), name))
    say(f"{name} is revoked; it is shut out once `make deploy` has replaced the replicas")
    return {"stack": stack, "revoked": name}


def overview(stack: str) -> dict[str, Any]:
    """Names and ages, and who has a key; no content."""
    in_use = set(secrets_and_configs.current_secrets(stack).values())
    stored = secrets_and_configs.listed("secret", stack)
    for secret in stored:
        mark = "*" if secret.object in in_use else " "
        say(f"{mark} {secret.name:<17} {secret.created[:19]}  {secret.object}")
    lines = secrets_and_configs.newest("config", stack, LINES)
    people = [line.split(":") for line in (lines.content if lines else "").splitlines()]
    for name, scopes, _, *models in people:
        say(f"  key {name}: {scopes}{' on ' + models[0] if models else ''}")
    there = {secret.name for secret in stored}
    return {
        "stack": stack,
        "secrets": [
            {
                "object": secret.object,
                "name": secret.name,
                "created": secret.created,
                "current": secret.object in in_use,
            }
            for secret in stored
        ],
        "missing": sorted(f"{name.upper()}_SECRET" for name in NAMES if name not in there),
        "keys": [name for name, *_ in people],
    }


def _create_fresh(stack: str, folder: Path, name: str, plain: bool = False) -> str:
    """A new random object, in the form in which its reader wants it."""
    word = secrets.token_hex(32)
    content = word
    if name == "journal_url":
        content = f"postgresql://journal_{secrets.token_hex(4)}:{word}@db:5432/journal"
    if name == "monitor_url":
        content = f"postgresql://monitor_{secrets.token_hex(4)}:{word}@db:5432/monitor"
    if name == "grafana_password":
        files.write_private(folder / "grafana.password", f"{word}\n".encode())
    if name == "edge_key":
        # The edge compares hashes, so its file is of no use to who reads it.
        _hand_out(folder, "edge", word)
        content = api_keys.digest(word) + "\n"
    return _create_secret(stack, name, content, plain)


def _create_secret(stack: str, name: str, content: str, plain: bool) -> str:
    called = plain_name(stack, name) if plain else ""
    return secrets_and_configs.create("secret", stack, name, content, called)


def _create_first_key(stack: str, folder: Path, plain: bool) -> None:
    key = api_keys.new_key()
    _create_lines(stack, api_keys.line_of(FIRST_KEY, FIRST_SCOPES, key) + "\n", plain)
    _hand_out(folder, FIRST_KEY, key)


def _lines(stack: str) -> str:
    lines = secrets_and_configs.newest("config", stack, LINES)
    if lines is None and "KEYS_SECRET" in secrets_and_configs.current_secrets(stack):
        labels = f"--label {secrets_and_configs.STACK}={stack} --label {secrets_and_configs.NAME}"
        raise Refused(
            f"the keys of {stack} were made by hand, and a Swarm gives no secret back: make the next one with"
            f" all lines, `docker secret create {labels}=keys`"
        )
    if lines is None:
        raise Refused(f"{stack} has no keys yet; `make secrets` makes the first")
    return lines.content


def _create_lines(stack: str, lines: str, plain: bool = False) -> None:
    # The lines first: if the second step fails, no key is in force that they do not have.
    secrets_and_configs.create("config", stack, LINES, lines)
    _create_secret(stack, "keys", lines, plain)


def _create_certificate(stack: str, folder: Path, text: str, plain: bool = False) -> None:
    _create_secret(stack, CERTIFICATE, text, plain)
    # Its open part for whoever deploys or asks from another machine.
    open_part = certificates.open_part(text)
    secrets_and_configs.create("config", stack, CERTIFICATE, open_part)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.write(folder / "edge.crt", open_part)
    expires = certificates.expiry(text)
    left = (expires - dt.datetime.now(dt.UTC)).days
    soon = " Renew it soon." if left < certificates.SOON_DAYS else ""
    say(f"the certificate is valid until {expires:%F}, {left} days.{soon}")


def _hand_out(folder: Path, name: str, key: str) -> Path:
    """The only place where a key is ever written as it is: a file for its owner alone."""
    return files.write_private(folder / f"{name}.key", f"{key}\n".encode())
