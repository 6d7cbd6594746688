"""Settings, from the environment and `*_FILE` secrets alone; all are checked before the start.

The journal reads its own, `JOURNAL_*`: see `service.journal.settings`.
"""

from __future__ import annotations

import ipaddress
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from service import journal

MEGABYTE = 1 << 20


class BadSettings(ValueError):
    """`sentences` has one for each bad setting: its name, what it was, what it may be."""

    def __init__(self, sentences: list[str]):
        self.sentences = sentences
        super().__init__(" ".join(sentences))


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    bind: Address
    bundles: Path
    release: str
    workers: int
    threads: int
    streams: int
    auth: bool
    keys: str
    traffic: Path | None
    max_body: int
    max_rows: int
    max_waiting: int
    read_timeout: float
    drain_seconds: float
    grace_seconds: float
    #: None: predictions are not recorded.
    journal: journal.Settings | None
    retrain_url: str
    retrain_user: str
    retrain_token: str
    retrain_command: str
    log_sample: float
    log_level: str


class Setting(NamedTuple):
    """One variable of the environment. `read` raises ValueError with what is allowed."""

    name: str
    read: Callable[[str], Any]
    default: str
    meaning: str


def _address(text: str) -> Address:
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


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        allowed = f"a whole number from {low} to {high}"
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(allowed)
        return int(text)

    return read


def _number(low: float, high: float) -> Callable[[str], float]:
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


def _choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return text

    return read


def _switch(text: str) -> bool:
    return _choice("on", "off")(text) == "on"


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError("a folder that exists; `make run` trains and exports the sample models")
    return Path(text)


def _file(text: str) -> Path | None:
    if text and not Path(text).is_file():
        raise ValueError("a file that exists")
    return Path(text) if text else None


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("an http or https address")
    return text


def _command(text: str) -> str:
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"a command as a shell reads it ({error})") from error
    return text


def _header_safe(text: str) -> str:
    if not text.isascii() or not text.isprintable() or len(text) > 200:
        raise ValueError("up to 200 printable ASCII characters")
    return text


def cores() -> int:
    """The cores that this process may use: its affinity, narrowed by a cgroup's quota."""
    usable = len(os.sched_getaffinity(0))
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.is_file():
        limit, period = quota.read_text(encoding="ascii").split()
        if limit != "max":
            usable = min(usable, max(1, round(int(limit) / int(period))))
    return usable


SETTINGS = (
    Setting("BIND", _address, "127.0.0.1:8080", "where to listen"),
    Setting("BUNDLES", _folder, "build/bundles", "folder of the bundles to serve"),
    Setting("RELEASE", _header_safe, "local", "name of this release, in every answer"),
    Setting("WORKERS", _whole(0, 256), "0", "processes; 0: one a core of the limit"),
    Setting("THREADS", _whole(1, 256), "4", "requests handled at once by a process"),
    Setting("STREAMS", _whole(0, 256), "8", "open streams of a process, each with its own thread"),
    Setting("AUTH", _switch, "on", "off: answer without keys, on any address"),
    Setting("KEYS", str, "", "lines of name:scopes:sha256[:models]"),
    Setting("TRAFFIC", _file, "", "TOML file that shares models between their arms"),
    Setting("MAX_BODY", _whole(1024, 1 << 32), str(8 * MEGABYTE), "bytes of a request's body"),
    Setting("MAX_ROWS", _whole(1, 10_000_000), "10000", "rows of a request"),
    Setting(
        "MAX_WAITING", _whole(1, 100_000), "512", "requests that wait in a process: more get 503"
    ),
    Setting("READ_TIMEOUT", _number(0.1, 3600), "15", "seconds for a request to arrive in"),
    Setting("DRAIN_SECONDS", _number(0, 600), "5", "seconds from not ready to not accepting"),
    Setting("GRACE_SECONDS", _number(0, 600), "30", "seconds for running requests to end in"),
    Setting("JOURNAL", _switch, "on", "off: predictions are not recorded"),
    Setting("RETRAIN_URL", _web_address, "", "address of the Jenkins job to start"),
    Setting("RETRAIN_USER", str, "swarmline", "Jenkins user of the token"),
    Setting("RETRAIN_TOKEN", str, "", "Jenkins API token"),
    Setting(
        "RETRAIN_COMMAND",
        _command,
        "",
        "command to run where there is no Jenkins; {model} is replaced",
    ),
    Setting("LOG_SAMPLE", _number(0, 1), "0.01", "share of successes to log; errors always are"),
    Setting(
        "LOG_LEVEL", _choice("debug", "info", "warning", "error"), "info", "least level to log"
    ),
)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings, or BadSettings with a sentence for each that cannot be."""
    values: dict[str, Any] = {}
    sentences: list[str] = []
    for setting in SETTINGS:
        try:
            values[setting.name.lower()] = _read(setting, environ)
        except ValueError as error:
            sentences.append(str(error))
    try:
        recorded = journal.from_environment(environ)
    except journal.BadSettings as error:
        sentences.append(f"{error}.")
    if not sentences:
        sentences = _contradictions(values)
    if sentences:
        raise BadSettings(sentences)
    values["workers"] = values["workers"] or cores()
    values["journal"] = recorded if values["journal"] else None
    return Settings(**values)


def _read(setting: Setting, environ: Mapping[str, str]) -> Any:
    name, text = setting.name, environ.get(setting.name, "")
    path = environ.get(f"{name}_FILE", "")
    if text and path:
        raise ValueError(f"{name} and {name}_FILE are both set; set one.")
    if path:
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{name}_FILE names {path}, which cannot be read: {error}.") from error
        if not text:
            # Else the default would stand in for what was meant: no keys would let everyone in.
            raise ValueError(f"{name}_FILE names {path}, which is empty; fill it, or unset it.")
    try:
        return setting.read(text or setting.default)
    except ValueError as error:
        shown = "its secret" if path or name in SECRETS else repr(text or setting.default)
        raise ValueError(f"{name} is {shown}; it must be {error}.") from error


SECRETS = ("KEYS", "RETRAIN_TOKEN")


def _contradictions(values: dict[str, Any]) -> list[str]:
    sentences = []
    if values["auth"] and not values["keys"] and not values["bind"].loopback:
        sentences.append(
            f"BIND is {values['bind']} and there are no keys; give KEYS_FILE, bind to 127.0.0.1,"
            " or set AUTH=off."
        )
    if values["retrain_url"] and not values["retrain_token"]:
        sentences.append("RETRAIN_URL needs RETRAIN_TOKEN or RETRAIN_TOKEN_FILE.")
    return sentences
