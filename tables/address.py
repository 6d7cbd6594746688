"""Addresses of databases with variables of the environment in them."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from outside.address import is_sound, public
from tables.errors import TableError

#: A variable, and what comes before it where it is all of a name or of a password.
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
BEFORE_NAME, BEFORE_PASSWORD = re.compile(r"[\w+.-]+://"), re.compile(r"[\w+.-]+://[^/?#@]*:")
ENCODED = re.compile(r"(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", re.ASCII)


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
