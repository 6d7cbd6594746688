"""Addresses with a name and a password in them: MLflow's, a journal's."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from scripts.command.outcome import Refused


def sound(name: str, address: str) -> str:
    """The address, unless a part that is not percent-encoded makes it mean another host. As in tables/address.py and
    service/readers.py."""
    if not is_sound(address):
        raise Refused(
            f"{name} is {public(address)}, in which name, password, host and port cannot be told apart;"
            " percent-encode what is special (@ is %40)"
        )
    return address


def is_sound(address: str) -> bool:
    after = address.partition("://")[2]
    authority = re.split("[/?#]", after, maxsplit=1)[0]
    login = authority.rpartition("@")[0]
    if re.search(r"[@\s]", login) or (authority and "@" in after[len(authority) :]):
        return False
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def public(text: str) -> str:
    """Without its password: all between a name and the last @ is hidden, for of a password that is not
    percent-encoded nobody knows where it ends."""
    return re.sub(r"(://[^:/@]*)(?::|@(?=.*@)).*@", r"\1:***@", text, flags=re.DOTALL)


def without_passwords(text: str) -> str:
    """A sentence in which sound addresses may stand."""
    return re.sub(r"(://[^:/@\s]*):\S*@", r"\1:***@", text)
