"""Addresses of databases: shown without their password, refused where nobody can tell their parts apart."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlsplit

from tables.errors import TableError

#: A variable, and what comes before it where it is all of a name or of a password.
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
BEFORE_NAME, BEFORE_PASSWORD = re.compile(r"[\w+.-]+://"), re.compile(r"[\w+.-]+://[^/?#@]*:")
ENCODED = re.compile(r"(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", re.ASCII)


def public(address: str) -> str:
    """An address without its password, for messages and records: all between a name and the last @ is hidden, for of a
    password that is not percent-encoded nobody knows where it ends. As in scripts/command/address.py; here one behind
    a `?` is hidden too.
    """
    shown = re.sub(r"(://[^:/@]*)(?::|@(?=.*@)).*@", r"\1:***@", address, flags=re.DOTALL)
    return re.sub(r"([?&]\w*password=)[^&#\s]*", r"\1***", shown, flags=re.IGNORECASE)


def public_text(text: str) -> str:
    """A message without the passwords of the addresses in it."""
    return re.sub(r"\S*://\S*", lambda address: public(address[0]), text)


def is_sound(address: str) -> bool:
    """Whether name, password, host and port can be told apart.

    As in scripts/command/address.py and service/readers.py.
    """
    after = address.partition("://")[2]
    authority = re.split("[/?#]", after, maxsplit=1)[0]
    login = authority.rpartition("@")[0]
    if re.search(r"[@\s]", login) or (authority and "@" in after[len(authority) :]):
        return False
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def filled_in(address: str) -> str:
    """An address with the environment's variables in it; one that is all of a name or password may have any text."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        text = os.environ.get(name)
        if text is None:
            raise TableError(f"{public(address)}: the environment variable {name} is not set")
        before, after = address[: match.start()], address[match.end() :][:1]
        alone = BEFORE_NAME.fullmatch(before) and after == ":"
        alone = alone or BEFORE_PASSWORD.fullmatch(before) and after == "@"
        return quote(text, safe="") if alone and not ENCODED.fullmatch(text) else text

    filled = VARIABLE.sub(value, address)
    if not is_sound(filled):
        raise TableError(
            f"{public(address)}: with its variables filled in, name, password, host and port cannot be told apart;"
            " percent-encode what is special in them (@ is %40)"
        )
    return filled
