"""What the journal can be told, and the errors that it raises.

JournalError
├── BadSettings     a setting that cannot be; ends the start
└── Unavailable     the database does not answer; try again later
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

Sensitive = Literal["hash", "omit"]
Subject = Literal["keep", "hash", "omit"]

MEBIBYTE = 1 << 20
KEY_SIZES = range(16, 65)
#: A hundred years: the date before which rows go must be one that there was.
LONGEST_RETENTION = 36_500
SCHEMES = ("sqlite", "postgresql")


class JournalError(Exception):
    """Each message says what was given, what is allowed, and what to do."""


class BadSettings(JournalError, ValueError):
    pass


class Unavailable(JournalError):
    pass


@dataclass(frozen=True)
class Settings:
    """Checked when made. The URL and the key never show in a repr: both hold secrets."""

    url: str = field(default="sqlite:///build/journal.db", repr=False)
    spool: Path = Path("build/spool")
    spool_limit: int = 256 * MEBIBYTE
    #: Days that predictions and their truth are kept; 0 keeps them for ever.
    retention_days: int = 90
    #: What is kept of columns that the contract marks `sensitive`.
    sensitive: Sensitive = "omit"
    #: What is kept of `X-Subject`.
    subject: Subject = "keep"
    key: bytes = field(default=b"", repr=False)
    #: Seconds between two looks at the spool.
    poll: float = 0.5

    def __post_init__(self) -> None:
        _check_choice("JOURNAL_SENSITIVE", self.sensitive, get_args(Sensitive))
        _check_choice("JOURNAL_SUBJECT", self.subject, get_args(Subject))
        if self.url.partition(":")[0].partition("+")[0] not in SCHEMES:
            raise BadSettings(
                "JOURNAL_URL: given another database; allowed are sqlite:///FILE and"
                " postgresql://USER:PASSWORD@HOST/DATABASE; name one of these"
            )
        if not _has_sound_address(self.url):
            raise BadSettings(
                "JOURNAL_URL: given name, password, host and port that cannot be told apart; allowed is such as"
                " postgresql://USER:PASSWORD@HOST:5432/DATABASE; percent-encode what is special (@ is %40)"
            )
        if self.spool_limit < MEBIBYTE:
            raise BadSettings(
                f"JOURNAL_SPOOL_MB: given {self.spool_limit} bytes; allowed is 1 MB or more;"
                " raise it"
            )
        if not 0 <= self.retention_days <= LONGEST_RETENTION:
            raise BadSettings(
                f"JOURNAL_RETENTION_DAYS: given {self.retention_days}; allowed is a number of days"
                f" up to {LONGEST_RETENTION}, or 0 to keep all; correct it"
            )
        if "hash" in (self.sensitive, self.subject) and len(self.key) not in KEY_SIZES:
            raise BadSettings(
                f"JOURNAL_KEY: given {len(self.key)} bytes; hashing needs 16 to 64;"
                " make one with `openssl rand -hex 24`, or set JOURNAL_SENSITIVE=omit"
            )

    @property
    def segment_size(self) -> int:
        """A spool file rolls here; small against the bound, so that little is shed at a time."""
        return min(4 * MEBIBYTE, self.spool_limit // 16)


def _has_sound_address(url: str) -> bool:
    """Whether name, password, host and port can be told apart. As in tables/address.py and scripts/command/address.py."""
    after = url.partition("://")[2]
    authority = re.split("[/?#]", after, maxsplit=1)[0]
    login = authority.rpartition("@")[0]
    if re.search(r"[@\s]", login) or (authority and "@" in after[len(authority) :]):
        return False
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def from_environment(environ: Mapping[str, str]) -> Settings:
    """From JOURNAL_* variables; secrets also from the files that JOURNAL_*_FILE name."""
    found: dict[str, object] = {}
    if url := _secret(environ, "JOURNAL_URL"):
        found["url"] = url
    if key := _secret(environ, "JOURNAL_KEY"):
        found["key"] = key.encode()
    if spool := environ.get("JOURNAL_SPOOL"):
        found["spool"] = Path(spool)
    if limit := environ.get("JOURNAL_SPOOL_MB"):
        found["spool_limit"] = _whole("JOURNAL_SPOOL_MB", limit) * MEBIBYTE
    if days := environ.get("JOURNAL_RETENTION_DAYS"):
        found["retention_days"] = _whole("JOURNAL_RETENTION_DAYS", days)
    for name in ("sensitive", "subject"):
        if choice := environ.get(f"JOURNAL_{name.upper()}"):
            found[name] = choice
    return Settings(**found)  # type: ignore[arg-type]  # __post_init__ checks the choices


def _secret(environ: Mapping[str, str], name: str) -> str:
    path = environ.get(f"{name}_FILE")
    if not path:
        return environ.get(name, "")
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"{name}_FILE: given {path}, which cannot be read ({error}); name a readable text file"
        ) from error
    if not text:
        raise BadSettings(f"{name}_FILE: given {path}, which is empty; fill it, or unset it")
    return text


def _whole(name: str, text: str) -> int:
    if not text.isdecimal():
        raise BadSettings(f"{name}: given {text!r}; allowed is a whole number; correct it")
    return int(text)


def _check_choice(name: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise BadSettings(f"{name}: given {given!r}; allowed: {', '.join(allowed)}; choose one")
