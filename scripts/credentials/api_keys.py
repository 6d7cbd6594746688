"""Lines of API keys, as the service reads them: name:scopes:sha256[:models].

They hold no secret: a key has 256 random bits, and its hash cannot be turned back. So the lines are kept in a docker
config too, which, unlike a secret, can be read again to be changed.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from scripts.command.outcome import Refused

SCOPES = ("predict", "truth", "admin")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}").fullmatch


def new_key() -> str:
    return secrets.token_urlsafe(32)


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def line_of(name: str, scopes: str, key: str, models: str = "") -> str:
    """Refused, unless the service could read it."""
    if not _NAME(name):
        raise Refused(
            f"{name!r} cannot be a key's name; allowed are letters, digits, dots, underscores, hyphens"
        )
    chosen = _parts(scopes)
    if not chosen or not set(chosen) <= set(SCOPES):
        raise Refused(f"scopes are {scopes!r}; allowed are {', '.join(SCOPES)}, with commas")
    named = _parts(models)
    if not all(_NAME(model) for model in named):
        raise Refused(f"models are {models!r}; give their names, with commas")
    limit = f":{','.join(named)}" if named else ""
    return f"{name}:{','.join(chosen)}:{digest(key)}{limit}"


def names(lines: str) -> list[str]:
    return [line.partition(":")[0] for line in lines.splitlines() if line]


def with_line(lines: str, line: str) -> str:
    name = line.partition(":")[0]
    if name in names(lines):
        raise Refused(f"there is a key {name} already; revoke it first, or choose another name")
    return f"{lines}{line}\n"


def without(lines: str, name: str) -> str:
    """At least one has to stay: without any, the service would refuse to start."""
    left = [line for line in lines.splitlines() if line and line.partition(":")[0] != name]
    if name not in names(lines):
        raise Refused(f"there is no key {name}; there are {', '.join(names(lines)) or 'none'}")
    if not left:
        raise Refused(f"{name} is the last key; add another before you revoke it")
    return "".join(f"{line}\n" for line in left)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
