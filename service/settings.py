"""Settings, from the environment and `*_FILE` secrets alone; all are checked before the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from service import readers
from service.readers import Address, BadSettings, Setting

__all__ = ["BadSettings", "JournalSettings", "Settings", "read_settings"]

MEGABYTE = 1 << 20
KEY_SIZES = range(16, 65)
#: A hundred years: the date before which rows go must be one that there was.
LONGEST_RETENTION = 36_500


@dataclass(frozen=True)
class JournalSettings:
    """The URL and the key never show in a repr: both hold secrets."""

    url: str = field(default="sqlite:///build/journal.db", repr=False)
    #: Folder of what is not yet in the database.
    spool: Path = Path("build/spool")
    #: Bytes that the spool may hold.
    spool_limit: int = 256 * MEGABYTE
    #: Days that predictions and their truth are kept; 0 keeps them for ever.
    retention_days: int = 90
    #: What is kept of columns that the contract marks `sensitive`.
    sensitive: Literal["omit", "hash"] = "omit"
    #: What is kept of `X-Subject`.
    subject: Literal["keep", "hash", "omit"] = "keep"
    #: The key of what is hashed.
    key: bytes = field(default=b"", repr=False)
    #: Seconds between two looks at the spool.
    poll: float = 0.5

    @property
    def segment_size(self) -> int:
        """A spool file rolls here; small against the bound, so that little is shed at a time."""
        return min(4 * MEGABYTE, self.spool_limit // 16)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    bind: Address
    bundles: Path
    trusted_packages: tuple[str, ...] = ()
    release: str
    worker: str
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
    journal: JournalSettings | None
    retrain_url: str
    retrain_user: str
    retrain_token: str
    retrain_insecure: bool
    retrain_command: str
    log_sample: float
    log_level: str


def cores() -> int:
    """The cores that this process may use: its affinity, narrowed by a cgroup's quota."""
    usable = len(os.sched_getaffinity(0))
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.is_file():
        limit, period = quota.read_text(encoding="ascii").split()
        if limit != "max":
            usable = min(usable, max(1, round(int(limit) / int(period))))
    return usable


JOURNAL_SETTINGS = (
    Setting(
        "JOURNAL_URL",
        readers.journal_address,
        "sqlite:///build/journal.db",
        "or postgresql://USER:PASSWORD@HOST/DATABASE",
    ),
    Setting("JOURNAL_SPOOL", Path, "build/spool", "folder of what is not yet in the database"),
    Setting("JOURNAL_SPOOL_MB", readers.whole(1, 1 << 24), "256", "the most that it may hold"),
    Setting(
        "JOURNAL_RETENTION_DAYS",
        readers.whole(0, LONGEST_RETENTION),
        "90",
        "days that predictions are kept; 0 keeps all",
    ),
    Setting(
        "JOURNAL_SENSITIVE",
        readers.choice("hash", "omit"),
        "omit",
        "what becomes of columns marked `sensitive`",
    ),
    Setting(
        "JOURNAL_SUBJECT",
        readers.choice("keep", "hash", "omit"),
        "keep",
        "what becomes of X-Subject",
    ),
    Setting("JOURNAL_KEY", str.encode, "", "16 to 64 bytes, needed for hash"),
)

SETTINGS = (
    Setting("BIND", readers.address, "127.0.0.1:8080", "where to listen"),
    Setting("BUNDLES", readers.folder, "build/bundles", "folder of the exported bundles"),
    Setting(
        "TRUSTED_PACKAGES",
        readers.package_names,
        "",
        "packages besides scikit-learn, NumPy and SciPy whose types a skops model may hold",
    ),
    Setting("RELEASE", readers.header_safe, "local", "name of this release, in every answer"),
    Setting(
        "WORKER",
        readers.choice("poller", "gthread"),
        "poller",
        "gthread: Gunicorn's own worker, which gives up much",
    ),
    Setting("WORKERS", readers.whole(0, 256), "0", "processes; 0: one a core of the limit"),
    Setting("THREADS", readers.whole(1, 256), "4", "requests handled at once by a process"),
    Setting(
        "STREAMS", readers.whole(0, 256), "8", "open streams of a process, each with its own thread"
    ),
    Setting("AUTH", readers.switch, "on", "off: answer without keys, on any address"),
    Setting("KEYS", str, "", "lines of name:scopes:sha256[:models]"),
    Setting("TRAFFIC", readers.file, "", "TOML file that shares models between their arms"),
    Setting(
        "MAX_BODY", readers.whole(1024, 1 << 32), str(8 * MEGABYTE), "bytes of a request's body"
    ),
    Setting("MAX_ROWS", readers.whole(1, 10_000_000), "10000", "rows of a request"),
    Setting(
        "MAX_WAITING",
        readers.whole(1, 100_000),
        "512",
        "requests that wait in a process: more get 503",
    ),
    Setting("READ_TIMEOUT", readers.number(0.1, 3600), "15", "seconds for a request to arrive in"),
    Setting(
        "DRAIN_SECONDS", readers.number(0, 600), "5", "seconds from not ready to not accepting"
    ),
    Setting(
        "GRACE_SECONDS", readers.number(0, 600), "30", "seconds for running requests to end in"
    ),
    Setting("JOURNAL", readers.switch, "on", "off: predictions are not recorded"),
    *JOURNAL_SETTINGS,
    Setting("RETRAIN_URL", readers.web_address, "", "address of the Jenkins job to start"),
    Setting("RETRAIN_USER", str, "retrain", "Jenkins user of the token"),
    Setting("RETRAIN_TOKEN", str, "", "Jenkins API token; `none` is none"),
    Setting(
        "RETRAIN_INSECURE",
        readers.truth,
        "false",
        "true where Jenkins' certificate signed itself",
    ),
    Setting(
        "RETRAIN_COMMAND",
        readers.command,
        "",
        "command to run where there is no Jenkins; {model} is replaced",
    ),
    Setting(
        "LOG_SAMPLE", readers.number(0, 1), "0.01", "share of successes to log; errors always are"
    ),
    readers.LOG_LEVEL,
)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings, or BadSettings with a sentence for each that cannot be."""
    values = readers.read_all(SETTINGS, environ, SECRETS, _contradictions)
    of_journal = {
        setting.name.removeprefix("JOURNAL_").lower(): values.pop(setting.name.lower())
        for setting in JOURNAL_SETTINGS
    }
    journal = JournalSettings(spool_limit=of_journal.pop("spool_mb") * MEGABYTE, **of_journal)
    values["workers"] = values["workers"] or cores()
    values["journal"] = journal if values["journal"] else None
    return Settings(**values)


SECRETS = ("KEYS", "RETRAIN_TOKEN", "JOURNAL_URL", "JOURNAL_KEY")


def _contradictions(values: dict[str, Any]) -> list[str]:
    sentences = readers.find_open_door(values)
    hashing = "hash" in (values["journal_sensitive"], values["journal_subject"])
    if hashing and len(values["journal_key"]) not in KEY_SIZES:
        sentences.append(
            f"JOURNAL_KEY has {len(values['journal_key'])} bytes; hashing needs 16 to 64;"
            " make one with `openssl rand -hex 24`, or set JOURNAL_SENSITIVE=omit."
        )
    if values["retrain_url"] and not values["retrain_token"]:
        sentences.append("RETRAIN_URL needs RETRAIN_TOKEN or RETRAIN_TOKEN_FILE.")
    return sentences
