"""Values from outside, checked before they count.

They come by the environment, as in training/commands/parameters.py: no shell sees them, and Make does not expand them.
"""

import os
import re
from typing import NamedTuple

from scoring.errors import ScoringError


class Allowed(NamedTuple):
    """A kind of value: the whole of it matches the pattern, which the words describe."""

    pattern: str
    words: str
    #: Not shown where it is refused.
    is_secret: bool = False


NAME = Allowed(r"\w[\w.-]{0,99}", "a name of letters, digits, . _ and -, 100 at most")
TABLE = Allowed(
    r"[A-Za-z_]\w{0,40}(\.[A-Za-z_]\w{0,40})?",
    "the name of a table, with its schema before a dot if it has one: letters, digits and _, 41 at most",
)
#: No control character, no separator of lines; one that begins with - would be taken for an option.
_TEXT = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
LINE = Allowed(f"{_TEXT}{{0,1000}}", "one line of text, 1000 characters at most")
PLACE = Allowed(
    f"(?!-){_TEXT}{{0,4000}}", "a path or an address without control characters", is_secret=True
)
#: A statement may have lines.
QUERY = Allowed(r"[^\x00]{0,20000}", "an SQL query")


def parameter(name: str, allowed: Allowed = LINE) -> str:
    """The value that the environment has under this name, or nothing; refused where it is not allowed."""
    text = os.environ.get(name, "").strip()
    if text and not re.fullmatch(allowed.pattern, text):
        shown = "not what it may be" if allowed.is_secret else repr(text[:80])
        raise ScoringError(f"{name} is {shown}; allowed is {allowed.words}")
    return text


class Outside(NamedTuple):
    """The default of an option that the environment may give; looked up only when the option is wanted."""

    name: str
    allowed: Allowed = LINE
    otherwise: str = ""
    #: Where nothing will do in its place: an example of what it says.
    needed: str = ""

    def value(self) -> str:
        text = parameter(self.name, self.allowed)
        if not text and self.needed:
            raise ScoringError(f"{self.name} is missing: {self.name}={self.needed}")
        return text or self.otherwise
