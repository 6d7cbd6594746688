"""Values from outside, checked before they count.

They come by the environment: Make and Jenkins put them there as they were given, no shell sees them, and Make does not
expand them.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple


class NotAllowed(ValueError):
    """A value is none that it may be; the message says what it may be."""


class Allowed(NamedTuple):
    """A kind of value: the whole of it matches the pattern, which the words describe."""

    pattern: str
    words: str
    #: Not shown where it is refused.
    is_secret: bool = False


_NAME = r"\w[\w.-]{0,99}"
NAME = Allowed(_NAME, "a name of letters, digits, . _ and -, 100 at most")
NAMES = Allowed(f"{_NAME}( +{_NAME})*", "names of letters, digits, . _ and -, with spaces between")
NUMBER = Allowed(r"\d{1,9}(\.\d{1,9})?", "a number, as in 5 or 0.5")
WHOLE = Allowed(r"\d{1,4}", "a whole number, 9999 at most")
FLAG = Allowed("1|true|yes|on|0|false|no|off", "1 or 0, true or false")
IMAGE = Allowed(r"\w[\w.:/@+-]{0,499}", "an image, as in registry/name@sha256:...")
IDENTITY = Allowed(r"[A-Za-z0-9._:-]{1,128}", "an id of letters, digits and ._:-, 128 at most")
TABLE = Allowed(
    r"[A-Za-z_]\w{0,40}(\.[A-Za-z_]\w{0,40})?",
    "the name of a table, with its schema before a dot if it has one: letters, digits and _, 41 at most",
)
#: No control character, no separator of lines; one that begins with - would be taken for an option.
_TEXT = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
LINE = Allowed(f"{_TEXT}{{0,1000}}", "one line of text, 1000 characters at most")
ADDRESS = Allowed(f"{_TEXT}{{0,4000}}", "an address without control characters", is_secret=True)
PATH = Allowed(f"(?!-){_TEXT}{{0,4000}}", "a path without control characters")
PLACE = Allowed(
    f"(?!-){_TEXT}{{0,4000}}", "a path or an address without control characters", is_secret=True
)
SQL = Allowed(f"{_TEXT}{{0,10000}}", "one line of SQL, 10000 characters at most")
#: A statement that is not written down may have lines.
QUERY = Allowed(r"[^\x00]{0,20000}", "an SQL query")


def choice(*words: str) -> Allowed:
    return Allowed("|".join(map(re.escape, words)), f"one of {', '.join(words)}")


def parameter(name: str, allowed: Allowed = LINE) -> str:
    """The value that the environment has under this name, or nothing; refused where it is not allowed."""
    return checked(name, os.environ.get(name, "").strip(), allowed)


def checked(name: str, text: str, allowed: Allowed) -> str:
    """A value, or nothing; refused where it is not allowed."""
    if text and not re.fullmatch(allowed.pattern, text):
        shown = "not what it may be" if allowed.is_secret else repr(text[:80])
        raise NotAllowed(f"{name} is {shown}; allowed is {allowed.words}")
    return text


class Outside(NamedTuple):
    """The default of an option that the environment may give; looked up only when the option is wanted."""

    name: str
    allowed: Allowed = LINE
    otherwise: str | float | None = None
    #: Where nothing will do in its place: an example of what it says.
    needed: str = ""

    def value(self) -> str | float | bool | list[str] | None:
        text = parameter(self.name, self.allowed)
        if self.allowed is FLAG:
            return text in ("1", "true", "yes", "on")
        if self.allowed is NAMES:
            return text.split()
        if not text and self.needed:
            raise NotAllowed(f"{self.name} is missing: {self.name}={self.needed}")
        if not text:
            return self.otherwise
        return float(text) if self.allowed is NUMBER else text
