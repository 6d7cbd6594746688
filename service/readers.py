"""Readers of settings: text in, value out, or a ValueError that says what is allowed; and a whole table of them."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class BadSettings(ValueError):
    """`sentences` has one for each bad setting: its name, what it was, what it may be."""

    def __init__(self, sentences: list[str]):
        self.sentences = sentences
        super().__init__(" ".join(sentences))


class Setting(NamedTuple):
    """One variable of the environment. `read` raises ValueError with what is allowed."""

    name: str
    read: Callable[[str], Any]
    default: str
    meaning: str


def read_all(
    table: Iterable[Setting],
    environ: Mapping[str, str],
    secrets: Collection[str],
    contradictions: Callable[[dict[str, Any]], list[str]],
) -> dict[str, Any]:
    """The values by their names in small letters, or BadSettings with a sentence for each that cannot be."""
    values: dict[str, Any] = {}
    sentences: list[str] = []
    for setting in table:
        try:
            values[setting.name.lower()] = _read(setting, environ, secrets)
        except ValueError as error:
            sentences.append(str(error))
    sentences = sentences or contradictions(values)
    if sentences:
        raise BadSettings(sentences)
    return values


def _read(setting: Setting, environ: Mapping[str, str], secrets: Collection[str]) -> Any:
    name, text = setting.name, text_of(environ, setting.name)
    try:
        return setting.read(text or setting.default)
    except ValueError as error:
        hidden = name in secrets or environ.get(f"{name}_FILE")
        shown = "its secret" if hidden else repr(text or setting.default)
        raise ValueError(f"{name} is {shown}; it must be {error}.") from error


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback


def text_of(environ: Mapping[str, str], name: str) -> str:
    """What the variable says, or the file that `<name>_FILE` names."""
    text, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    # Of the journal the file wins: the image names a database of its own, for who gives it none.
    if text and path and not name.startswith("JOURNAL_"):
        raise ValueError(f"{name} and {name}_FILE are both set; set one.")
    if not path:
        return text
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}_FILE names {path}, which cannot be read: {error}.") from error
    if not text:
        # Else the default would stand in for what was meant: no keys would let everyone in.
        raise ValueError(f"{name}_FILE names {path}, which is empty; fill it, or unset it.")
    return text


def address(text: str) -> Address:
    allowed = "an IP address or localhost with a port, such as 127.0.0.1:8080"
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
        if host != "localhost":
            ipaddress.ip_address(host)
    except ValueError as error:
        raise ValueError(allowed) from error
    if port is None or parts.path:
        raise ValueError(allowed)
    return Address(host, port)


def whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        allowed = f"a whole number from {low} to {high}"
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(allowed)
        return int(text)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        allowed = f"a number from {low:g} to {high:g}"
        try:
            value = float(text)
        except ValueError as error:
            raise ValueError(allowed) from error
        if not low <= value <= high:
            raise ValueError(allowed)
        return value

    return read


def choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return text

    return read


def switch(text: str) -> bool:
    return choice("on", "off")(text) == "on"


def truth(text: str) -> bool:
    return choice("true", "false")(text) == "true"


def folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError("a folder that exists; `make run` trains and exports the sample models")
    return Path(text)


def file(text: str) -> Path | None:
    if text and not Path(text).is_file():
        raise ValueError("a file that exists")
    return Path(text) if text else None


def package_names(text: str) -> tuple[str, ...]:
    """As service/bundle/engines.py reads them for a training and for MLflow."""
    names = tuple(re.findall(r"[^\s,]+", text))
    if not all(name.isidentifier() for name in names):
        raise ValueError("names of packages, with spaces or commas between")
    return names


def web_address(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("an http or https address")
    return text


def journal_address(text: str) -> str:
    if text.partition(":")[0].partition("+")[0] not in ("sqlite", "postgresql"):
        raise ValueError(
            "a database that the journal can be in: sqlite:///FILE or"
            " postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    if not has_sound_address(text):
        raise ValueError(
            "one in which name, password, host and port can be told apart, such as"
            " postgresql://USER:PASSWORD@HOST:5432/DATABASE; percent-encode what is special (@ is %40)"
        )
    return text


def has_sound_address(url: str) -> bool:
    """Whether name, password, host and port can be told apart (outside/address.py alike)."""
    after = url.partition("://")[2]
    authority = re.split("[/?#]", after, maxsplit=1)[0]
    login = authority.rpartition("@")[0]
    if re.search(r"[@\s]", login) or (authority and "@" in after[len(authority) :]):
        return False
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def command(text: str) -> str:
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"a command as a shell reads it ({error})") from error
    return text


LOG_LEVEL = Setting(
    "LOG_LEVEL", choice("debug", "info", "warning", "error"), "info", "least level to log"
)


def find_open_door(values: Mapping[str, Any]) -> list[str]:
    """Of settings with BIND, AUTH and KEYS: they would let everyone in who reaches this machine."""
    if values["auth"] and not values["keys"] and not values["bind"].loopback:
        return [
            f"BIND is {values['bind']} and there are no keys; give KEYS_FILE, bind to 127.0.0.1,"
            " or set AUTH=off."
        ]
    return []


def header_safe(text: str) -> str:
    if not text.isascii() or not text.isprintable() or len(text) > 200:
        raise ValueError("up to 200 printable ASCII characters")
    return text
