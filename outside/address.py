"""Addresses with a name and a password in them: shown without it, and whether their parts can be told apart."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def public(address: str) -> str:
    """An address without its password, for messages and records: all between a name and the last @ is hidden, for of a
    password that is not percent-encoded nobody knows where it ends. One behind a
    `?` is hidden too.
    """
    shown = re.sub(r"(://[^:/@]*)(?::|@(?=.*@)).*@", r"\1:***@", address, flags=re.DOTALL)
    return re.sub(r"([?&]\w*password=)[^&#\s]*", r"\1***", shown, flags=re.IGNORECASE)


def public_text(text: str) -> str:
    """A message without the passwords of the addresses in it."""
    return re.sub(r"\S*://\S*", lambda address: public(address[0]), text)


def is_sound(address: str) -> bool:
    """Whether name, password, host and port can be told apart. As service/readers.py has it."""
    after = address.partition("://")[2]
    authority = re.split("[/?#]", after, maxsplit=1)[0]
    login = authority.rpartition("@")[0]
    if re.search(r"[@\s]", login) or (authority and "@" in after[len(authority) :]):
        return False
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False
