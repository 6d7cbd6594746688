"""The platform's secrets: each a file in build/secrets/platform/ for its owner alone, and an object of the Swarm.

A file that is there is taken as it is, so that a password of one's own, a certificate or a webhook is put there; one
that is not is made at random, unless the Swarm has the secret already. Objects are named by a keyed hash of what they
hold: nothing changed means nothing made, and the name tells nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.command import files
from scripts.command.environments import staging_of
from scripts.command.options import named_stack
from scripts.command.outcome import Refused, say
from scripts.credentials import certificates
from scripts.engine import secrets_and_configs

SALT = ".salt"
#: A zip file with nothing in it: no certificate is needed for the engine.
EMPTY_ZIP = "PK\x05\x06" + "\0" * 18
#: Made at random. Fixed: the database would go on with the old one.
PASSWORDS = (
    *("admin_password", "operator_password", "viewer_password", "agent_password"),
    *("mlflow_password", "mlflow_reader_password", "registry_password", "retrain_password"),
)
#: As Jenkins takes an API token that is given to it.
TOKEN = r"11[a-f0-9]{32}"  # nosec B105 # a pattern
FIXED = ("db_password", "mlflow_db_password")
UNSET = "none"
#: What stands there until a person gives something better.
DEFAULTS = {
    "git_password": UNSET,
    "webhook": UNSET,
    "journal": UNSET,
    "s3_credentials": "[default]\n",
    "docker_client": EMPTY_ZIP,
    "api_key": UNSET,
    "edge_key": UNSET,
    "staging_api_key": UNSET,
    "staging_edge_key": UNSET,
}
#: Keys of the stack, if it was deployed from here: their files, beside the platform's folder.
OF_THE_STACK = {"api_key": "deployer.key", "edge_key": "edge.key"}
#: Those of its staging, in a folder by its name there.
OF_STAGING = {f"staging_{name}": file for name, file in OF_THE_STACK.items()}
#: Not for a container as they are: others are made of them.
ONLY_FILES = ("mlflow_reader_password", "mlflow_db_password")
Values = dict[str, str]


def ensure(stack: str, folder: Path, host: str) -> dict[str, str]:
    """The object that each variable of jenkins/platform.yml has to name."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    there = _objects(stack)
    values: Values = {}
    for name in (*PASSWORDS, *FIXED):
        values[name] = _read_or_make(folder, name, there, lambda: secrets.token_urlsafe(24))
    for name, default in DEFAULTS.items():
        values[name] = _default(folder, name, default)
    values["certificate"] = _read_or_make(
        folder, "certificate", there, lambda: certificates.self_signed(host)
    )
    values["retrain_token"] = read_token(folder, there)
    values |= _derived(values)
    salt = _salt(folder).encode()
    return {
        f"{name.upper()}_SECRET": _object(stack, name, content, salt, there)
        for name, content in values.items()
        if name not in ONLY_FILES
    }


def new_token() -> str:
    return f"11{secrets.token_hex(16)}"


def read_token(folder: Path, there: dict[str, list[str]]) -> str:
    """The API token of Jenkins' user `retrain`: made once; a stack gets it as its own secret `retrain_token`."""
    token = _read_or_make(folder, "retrain_token", there, new_token)
    if token and not re.fullmatch(TOKEN, token):
        raise Refused(
            f"{folder / 'retrain_token'} holds no API token as Jenkins takes one: 11 and 32 of the letters"
            " 0-9 and a-f; without the file, one is made"
        )
    return token


def _objects(stack: str) -> dict[str, list[str]]:
    """By name, the objects that the Swarm has, the newest last."""
    by_name: dict[str, list[str]] = {}
    for secret in secrets_and_configs.listed("secret", stack):
        by_name.setdefault(secret.name, []).append(secret.object)
    return by_name


def _read_or_make(
    folder: Path, name: str, there: dict[str, list[str]], make: Callable[[], str]
) -> str:
    """What the file says; it is made if neither it nor the Swarm's object is there."""
    path = folder / name
    if path.exists():
        return _read(path)
    if name in there or (name in ONLY_FILES and "mlflow_pgpass" in there):
        return ""
    _write(path, make().rstrip("\n"))
    return _read(path)


def _default(folder: Path, name: str, default: str) -> str:
    for path in (folder / name, *_key_of_a_stack(folder.parent, name)):
        if path.is_file():
            return _read(path)
    return default


def _key_of_a_stack(folder: Path, name: str) -> Iterator[Path]:
    """Where `make secrets` has left it, for the stack that Jenkins deploys or for its staging."""
    if name in OF_THE_STACK:
        yield folder / OF_THE_STACK[name]
    staging = staging_of(named_stack()) if name in OF_STAGING else None
    if staging:
        yield folder / staging.stack / OF_STAGING[name]


def _read(path: Path) -> str:
    # Latin-1 gives every byte back as it was: a zip is one of them.
    content = path.read_bytes().decode("latin-1")
    return content if content.startswith("PK") else content.rstrip("\n")


def _write(path: Path, content: str) -> None:
    # Two at once shall not both make one: the Swarm would have another than the file.
    with files.create_private(path, replace=False) as file:
        file.write(content.encode("latin-1") + b"\n")


def _derived(values: Values) -> Values:
    """What containers want in a form of their own; nothing where a part is only in the Swarm."""
    database = values["mlflow_db_password"]
    quoted = database.replace("'", "''")
    escaped = database.replace("\\", "\\\\").replace(":", "\\:")
    role = (
        # No server log has the password when a statement fails.
        "SET log_min_error_statement = panic;\n"
        f"CREATE ROLE mlflow LOGIN PASSWORD '{quoted}';\n"
        "CREATE DATABASE mlflow OWNER mlflow;\nREVOKE ALL ON DATABASE mlflow FROM PUBLIC;\n"
    )
    writer = _user("pipelines", values["mlflow_password"], "write")
    reader = _user("reader", values["mlflow_reader_password"], "read")
    return {
        "mlflow_pgpass": f"db:5432:mlflow:mlflow:{escaped}" if database else "",
        "mlflow_role": role if database else "",
        "mlflow_users": writer + reader if writer and reader else "",
        "registry_users": _user("pipelines", values["registry_password"], "write"),
    }


def _user(name: str, password: str, may: str) -> str:
    """A line for the gate: the hash of the header that such a caller sends, and what it may do."""
    if not password:
        return ""
    header = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
    return f"{hashlib.sha256(header.encode()).hexdigest()} {may}\n"


def _salt(folder: Path) -> str:
    path = folder / SALT
    if not path.exists():
        _write(path, secrets.token_hex(16))
    return _read(path)


def _object(stack: str, name: str, content: str, salt: bytes, there: dict[str, list[str]]) -> str:
    newest = there.get(name, [""])[-1]
    if not content:
        return newest
    sum_ = hmac.new(salt, content.encode("latin-1"), hashlib.sha256).hexdigest()[:10]
    wanted = f"{stack}_{name}_{sum_}"
    if wanted in there.get(name, []):
        return wanted
    if newest and name in (*FIXED, "mlflow_pgpass", "mlflow_role"):
        raise Refused(
            f"{name} differs from what the database was made with; put the file back, or restore a backup into"
            " a new stack"
        )
    secrets_and_configs.create("secret", stack, name, content, wanted)
    say(f"secret {name} is new")
    return wanted
