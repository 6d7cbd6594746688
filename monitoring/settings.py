"""The monitor's settings, from the environment and `*_FILE` secrets alone; all are checked before the start."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from service import readers
from service.bundle.lengths import parse_horizon, parse_window
from service.readers import Address, BadSettings, Setting

__all__ = ["BadSettings", "Settings", "read_settings"]

#: Of a server, where only one of the two is named: as stack/monitor.sql has them.
JOURNAL_DATABASE = "journal"
FINDINGS_DATABASE = "monitor"
#: Of the token of Alertmanager's webhook.
SHORTEST_TOKEN = 16
DEFAULT_JOURNAL = "sqlite:///build/journal.db"
SECRETS = (
    "JOURNAL_URL",
    "FINDINGS_URL",
    "KEYS",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_PASSWORD",
    "ELASTIC_KEY",
    "RETRAIN_TOKEN",
    "RETRAIN_WEBHOOK_TOKEN",
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Without a representation: it would show passwords."""

    bind: Address
    journal_url: str
    findings_url: str
    bundles: Path
    mlflow_tracking_uri: str
    mlflow_tracking_username: str
    mlflow_tracking_password: str
    monitor_state: Path
    monitor_every: float
    monitor_window: str
    monitor_allowance: float
    monitor_patience: float
    monitor_sample: int
    monitor_lookback_days: int
    monitor_retention_days: int
    auth: bool
    keys: str
    service_url: str
    prometheus_url: str
    jenkins_url: str
    runbook_url: str
    elastic_url: str
    elastic_key: str
    retrain_url: str
    retrain_user: str
    retrain_token: str
    retrain_insecure: bool
    retrain_webhook_token: str
    retrain_cooldown: dt.timedelta
    replicas_min: int
    replicas_max: int
    scale_url: str
    autoscale: bool
    autoscale_cooldown: dt.timedelta
    autoscale_quiet: dt.timedelta
    log_level: str

    def __repr__(self) -> str:
        return f"Settings(bind={self.bind})"

    @property
    def retrains(self) -> bool:
        """Whether alerts may start retrainings: only where Jenkins' address and both tokens are given."""
        return all((self.retrain_url, self.retrain_token, self.retrain_webhook_token))

    @property
    def scales(self) -> bool:
        """Whether the monitor may order replicas: only where it is told to, and knows Jenkins and Prometheus."""
        return self.autoscale and all((self.scale_url, self.retrain_token, self.prometheus_url))


def _database(text: str) -> str:
    return readers.journal_address(text) if text else ""


def _window(text: str) -> str:
    try:
        if text:
            parse_window(text)
    except ValueError as error:
        raise ValueError(
            'a span from "1m" to "31d", or a number of rows such as "500 rows"'
        ) from error
    return text


def _cooldown(text: str) -> dt.timedelta:
    try:
        return parse_horizon(text)
    except ValueError as error:
        raise ValueError('a time from "1m" to "366d", such as "12h"') from error


def _key(text: str) -> str:
    """As the stack's secret says it, which cannot be empty."""
    return "" if text == "none" else text


def _web_addresses(*rows: tuple[str, str]) -> tuple[Setting, ...]:
    return tuple(Setting(name, readers.web_address, "", meaning) for name, meaning in rows)


SETTINGS = (
    Setting("BIND", readers.address, "127.0.0.1:8090", "where to listen"),
    Setting(
        "JOURNAL_URL",
        _database,
        "",
        "the journal, which is only read; without it, database `journal` beside FINDINGS_URL, or build/journal.db",
    ),
    Setting(
        "FINDINGS_URL",
        _database,
        "",
        "the monitor's own database; without it, `monitor` or `monitor.db` beside the journal",
    ),
    Setting("BUNDLES", Path, "build/bundles", "folder of the exported set; it need not be there"),
    Setting("MLFLOW_TRACKING_URI", str, "", "where references come from and judgements go"),
    Setting("MLFLOW_TRACKING_USERNAME", str, "", "its user"),
    Setting("MLFLOW_TRACKING_PASSWORD", str, "", "its password"),
    Setting("MONITOR_STATE", Path, "build/monitor", "folder of references and reports"),
    Setting("MONITOR_EVERY", readers.number(1, 86_400), "30", "seconds between two looks"),
    Setting(
        "MONITOR_WINDOW",
        _window,
        "",
        'a window for every model, such as "1h" or "500 rows"; without it, as the spec of each says',
    ),
    Setting(
        "MONITOR_ALLOWANCE",
        readers.number(0, 86_400),
        "60",
        "seconds from a window's end to its first judgement, beyond the journal's lag",
    ),
    Setting(
        "MONITOR_PATIENCE",
        readers.number(10, 2_678_400),
        "900",
        "seconds that windows wait for a journal that lags; then they are judged with the rows that are there",
    ),
    Setting(
        "MONITOR_SAMPLE", readers.whole(1000, 1_000_000), "20000", "rows of a window that are read"
    ),
    Setting(
        "MONITOR_LOOKBACK_DAYS",
        readers.whole(1, 366),
        "31",
        "days back from now in which windows are still judged for the first time",
    ),
    Setting(
        "MONITOR_RETENTION_DAYS",
        readers.whole(0, 36_500),
        "400",
        "days that findings are kept; 0 keeps all",
    ),
    Setting("AUTH", readers.switch, "on", "off: show pages without keys, on any address"),
    Setting("KEYS", str, "", "lines of name:scopes:sha256[:models]; pages ask for scope `admin`"),
    *_web_addresses(
        ("SERVICE_URL", "a service whose journal's lag is asked for where there is no Prometheus"),
        ("PROMETHEUS_URL", "Prometheus, for traffic and the journal's lag"),
        ("JENKINS_URL", "Jenkins, as people reach it: the way to the rollback job"),
        ("RUNBOOK_URL", "the runbook, where it is not the one of the pages"),
        ("ELASTIC_URL", "Elasticsearch, which is sent the findings too"),
    ),
    Setting("ELASTIC_KEY", _key, "", "its API key; `none` is none"),
    Setting(
        "RETRAIN_URL",
        readers.web_address,
        "",
        "address of the Jenkins job that alerts start; without it they start nothing",
    ),
    Setting("RETRAIN_USER", str, "retrain", "Jenkins user of the token"),
    Setting("RETRAIN_TOKEN", _key, "", "Jenkins API token; `none` is none"),
    Setting(
        "RETRAIN_INSECURE", readers.truth, "false", "true where Jenkins' certificate signed itself"
    ),
    Setting(
        "RETRAIN_WEBHOOK_TOKEN",
        _key,
        "",
        "what Alertmanager has to send as bearer, 16 characters or more; `none` is none",
    ),
    Setting(
        "RETRAIN_COOLDOWN",
        _cooldown,
        "1d",
        "the least time from one retraining of a model to the next; doubled while it changes nothing",
    ),
    Setting("REPLICAS_MIN", readers.whole(1, 999), "1", "the fewest replicas of the model service"),
    Setting("REPLICAS_MAX", readers.whole(1, 999), "10", "the most"),
    Setting(
        "SCALE_URL",
        readers.web_address,
        "",
        "address of the Jenkins job that changes replicas; it takes the user and token of RETRAIN_URL",
    ),
    Setting(
        "AUTOSCALE",
        readers.switch,
        "off",
        "on: that job is started when the load needs another number of replicas",
    ),
    Setting(
        "AUTOSCALE_COOLDOWN", _cooldown, "10m", "the least time from one such start to the next"
    ),
    Setting(
        "AUTOSCALE_QUIET",
        _cooldown,
        "1h",
        "how long fewer replicas have to be enough before one of them goes",
    ),
    readers.LOG_LEVEL,
)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings, or BadSettings with a sentence for each that cannot be."""
    values = readers.read_all(SETTINGS, environ, SECRETS, readers.find_open_door)
    journal, findings = values["journal_url"], values["findings_url"]
    if not journal:
        journal = _beside(findings, JOURNAL_DATABASE) or DEFAULT_JOURNAL
    values["journal_url"] = journal
    values["findings_url"] = (
        findings or _beside(journal, FINDINGS_DATABASE) or _file_beside(journal)
    )
    if sentences := list(_contradictions(values)):
        raise BadSettings(sentences)
    return Settings(**values)


def _beside(url: str, database: str) -> str:
    """Another database of the same server, with the same login; empty where it is no server."""
    if not url.startswith("postgresql"):
        return ""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


def _file_beside(journal: str) -> str:
    folder, slash, _ = journal.removeprefix("sqlite:///").partition("?")[0].rpartition("/")
    return f"sqlite:///{folder}{slash}monitor.db"


def _contradictions(values: dict[str, Any]) -> Iterator[str]:
    # Of the addresses that are used, whether they were given or follow from another.
    findings, token = values["findings_url"], values["retrain_webhook_token"]
    if findings == values["journal_url"] and findings.startswith("sqlite"):
        yield "FINDINGS_URL and JOURNAL_URL name the same file; the journal is only read, so name another one."
    if token and len(token) < SHORTEST_TOKEN:
        yield (
            f"RETRAIN_WEBHOOK_TOKEN has {len(token)} characters; {SHORTEST_TOKEN} are the least;"
            " make one with `openssl rand -hex 32`."
        )
    least, most = values["replicas_min"], values["replicas_max"]
    if least > most:
        yield f"REPLICAS_MIN is {least} and REPLICAS_MAX {most}: the first may not be above the other."
