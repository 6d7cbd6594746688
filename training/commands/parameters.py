"""Values from outside, checked before they count.

They come by the environment, as in scripts/command/options.py: no shell sees them, and Make does not expand them.
"""

import os
import re
from typing import NamedTuple

from training.common.errors import TrainingError


class Allowed(NamedTuple):
    """A kind of value: the whole of it matches the pattern, which the words describe."""

    pattern: str
    words: str


_NAME = r"\w[\w.-]{0,99}"
NAME = Allowed(_NAME, "a name of letters, digits, . _ and -, 100 at most")
NAMES = Allowed(f"{_NAME}( +{_NAME})*", "names of letters, digits, . _ and -, with spaces between")
FLAG = Allowed("1|true|yes|on|0|false|no|off", "1 or 0, true or false")
#: No control character, no separator of lines; one that begins with - would be taken for an option.
_TEXT = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
LINE = Allowed(f"{_TEXT}{{0,1000}}", "one line of text, 1000 characters at most")
SQL = Allowed(f"{_TEXT}{{0,10000}}", "one line of SQL, 10000 characters at most")
PATH = Allowed(f"(?!-){_TEXT}{{0,4000}}", "a path without control characters")


def choice(*words: str) -> Allowed:
    return Allowed("|".join(map(re.escape, words)), f"one of {', '.join(words)}")


def parameter(name: str, allowed: Allowed = LINE) -> str:
    """The value that the environment has under this name, or nothing; refused where it is not allowed."""
    text = os.environ.get(name, "").strip()
    if text and not re.fullmatch(allowed.pattern, text):
        raise TrainingError(f"{name} is {text[:80]!r}; allowed is {allowed.words}")
    return text


class Outside(NamedTuple):
    """The default of an option that the environment may give; looked up only when the option is wanted."""

    name: str
    allowed: Allowed = LINE
    otherwise: str = ""
    #: Where nothing will do in its place: an example of what it says.
    needed: str = ""

    def value(self) -> str | bool | list[str]:
        text = parameter(self.name, self.allowed)
        if self.allowed is FLAG:
            return text in ("1", "true", "yes", "on")
        if self.allowed is NAMES:
            return text.split()
        if not text and self.needed:
            raise TrainingError(f"{self.name} is missing: {self.name}={self.needed}")
        return text or self.otherwise
