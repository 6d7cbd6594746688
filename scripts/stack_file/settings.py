"""The settings of a stack, from the one place that people, Jenkins and `make up` read: stack/settings/STACK.env.

SWARMLINE_SETTINGS names another folder, for who keeps no repository. What the environment says goes before the file.
What it said once stays with the stack, whoever deploys next, until file or environment say otherwise; `NAME=default`
ends that.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from scripts.command.checkout import ROOT
from scripts.command.environments import ENGINE, FOLDER, STACK_NAME
from scripts.command.options import named_stack
from scripts.command.outcome import Refused, say
from scripts.stack_file import render

ENVIRONMENT, KEPT, DEFAULT = "the environment", "an earlier deploy", "default"
#: Settings of other commands than a deploy, which belong to the stack all the same.
OUTSIDE = ("BASE_IMAGE", "EDGE_HOST", "SWARMLINE_URL", "STAGING", "STAGING_DOCKER_HOST")
#: The bounds of `make scale`, as stack/monitoring.yml has them.
REPLICAS = (("REPLICAS_MIN", "1"), ("REPLICAS_MAX", "10"))
LINE = re.compile(r"([A-Z][A-Z0-9_]*)=(?:'([^']*)'|\"([^\"]*)\"|(\S*))")


class Kind(NamedTuple):
    """What the settings whose names match may be; the first kind that matches counts."""

    names: str
    values: str
    words: str


KINDS = (
    Kind("AUTH|AUTOSCALE|JOURNAL|EDGE_TLS|MONITORING", "on|off", "on or off"),
    Kind(
        "TRUSTED_PACKAGES",
        r"[A-Za-z_]\w{0,99}([ ,]+[A-Za-z_]\w{0,99}){0,19}",
        "names of packages, with spaces or commas between",
    ),
    Kind("MODEL_WORKER", "poller|gthread", "poller or gthread"),
    Kind("EDGE_PORT_MODE", "ingress|host", "ingress or host"),
    Kind("EDGE_UPDATE_ORDER", "(start|stop)-first", "start-first or stop-first"),
    Kind("PLATFORM_STACK|STAGING", STACK_NAME.pattern, "the name of a stack"),
    Kind("STAGING_DOCKER_HOST", ENGINE.pattern, "the address of an engine, as tcp://host:2376"),
    Kind("MONITOR_MLFLOW_INSECURE|RETRAIN_INSECURE", "true|false", "true or false"),
    Kind("REPLICAS_MIN|REPLICAS_MAX", "[1-9][0-9]{0,2}", "a whole number from 1 to 999"),
    Kind(
        "RETRAIN_COOLDOWN|AUTOSCALE_COOLDOWN|AUTOSCALE_QUIET",
        "[1-9][0-9]{0,5}[mhd]",
        "a time, such as 1d or 12h",
    ),
    Kind("MONITOR_MLFLOW_USER|RETRAIN_USER", "[A-Za-z0-9._@-]{1,100}", "the name of a user"),
    Kind(
        "MONITOR_WINDOW",
        "[1-9][0-9]{0,5}[mhd]|[1-9][0-9]{0,6} rows",
        "a span, such as 1h or 500 rows",
    ),
    Kind("DOCKER_SOCKET", "/[A-Za-z0-9._/-]{1,255}", "the path of a socket"),
    Kind(".*_RETENTION", "[1-9][0-9]{0,4}[hdwy]", "a time, such as 30d"),
    Kind("PROMETHEUS_DISK", "[1-9][0-9]{0,5}[KMGT]B", "a number of bytes, such as 8GB"),
    Kind("LOG_LEVEL|JOURNAL_SENSITIVE|JOURNAL_SUBJECT", "[a-z]{1,20}", "a word in small letters"),
    Kind(".*_IMAGE", "[A-Za-z0-9][A-Za-z0-9._:/@-]{0,255}", "the name of an image"),
    Kind(
        ".*_CONSTRAINT",
        "[A-Za-z0-9._/-]{1,100} ?[!=]= ?[A-Za-z0-9._:/-]{1,100}",
        "a constraint, such as node.labels.db == yes",
    ),
    Kind(
        ".*_MEMORY(_RESERVED)?|LOG_SIZE|DB_SHARED_BUFFERS",
        "[1-9][0-9]{0,14}([kKmMgG][bB]?)?",
        "a number of bytes, such as 512M",
    ),
    Kind(
        ".*_CPUS(_RESERVED)?|.*_SECONDS|LOG_SAMPLE",
        r"[0-9]{1,6}(\.[0-9]{1,6})?",
        "a number, such as 0.5",
    ),
    Kind(
        ".*_TIMEOUT|.*_STOP|.*_GRACE|.*_DELAY|.*_MONITOR",
        r"([0-9]{1,6}(ms|s|m|h)){1,4}",
        "a time, such as 30s",
    ),
    Kind(
        "SWARMLINE_URL|GRAFANA_URL|JENKINS_URL|RUNBOOK_URL|MONITOR_MLFLOW|ELASTIC_URL|RETRAIN_URL|SCALE_URL",
        r"https?://[A-Za-z0-9.:\[\]-]{1,255}(/[A-Za-z0-9._/-]{0,255})?",
        "an address: https://host:port",
    ),
    Kind("EDGE_HOST", "[A-Za-z0-9.-]{1,253}", "the name of a host"),
    # As stack/monitoring/alertmanager.sh takes them.
    Kind(
        "ALERT_MAIL_TO",
        "[A-Za-z0-9@._+-]{3,254}(,[A-Za-z0-9@._+-]{3,254}){0,9}",
        "mail addresses, with commas between",
    ),
    Kind("ALERT_MAIL_FROM|ALERT_MAIL_USER", "[A-Za-z0-9@._+-]{1,254}", "a mail address"),
    Kind("ALERT_SMTP", "[A-Za-z0-9._-]{1,253}:[0-9]{1,5}", "host:port"),
    Kind("ALERT_MAIL_TLS", "true|false", "true or false"),
    Kind("ALERT_HEARTBEAT_URL", "https?://[A-Za-z0-9:/.?&=_%~-]{1,500}", "an address"),
    Kind(".*", "[0-9]{1,15}", "a whole number"),
)


class Chosen(NamedTuple):
    """What a deploy sets, and who says so: a file, the environment, or an earlier deploy."""

    values: Mapping[str, str]
    origins: Mapping[str, str]


def names() -> set[str]:
    """Every setting of a deploy that stack.yml and its overlays know."""
    variables = render.used(render.all_files())
    return {name for name in variables if not name.endswith("_SECRET")} - render.NO_SETTINGS


def choose(
    name: str, before: render.StackInputs | None, environ: Mapping[str, str] = os.environ
) -> Chosen:
    """The settings of the next deploy of this stack; `before` is what it was deployed with last."""
    deployable = names()
    sources = {
        KEPT: _stays(before, deployable),
        str(place(name, environ)): read(name, environ),
        ENVIRONMENT: {setting: environ[setting] for setting in deployable if environ.get(setting)},
    }
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    for source, settings in sources.items():
        for setting in sorted(settings.keys() & deployable):
            values[setting], origins[setting] = settings[setting], source
    wrong = [
        f"{setting} ({origins[setting]}): {why}"
        for setting, text in values.items()
        for why in _wrong(setting, text)
    ]
    values = _without_default(values)
    wrong += [] if wrong else _crossed(values)
    if wrong:
        raise Refused("; ".join(wrong))
    return Chosen(values, {setting: origins[setting] for setting in values})


def say_what_stays(chosen: Chosen) -> None:
    """Says which settings neither file nor environment name this time."""
    earlier = [
        f"{setting}={chosen.values[setting]}"
        for setting, source in chosen.origins.items()
        if source == KEPT
    ]
    if earlier:
        say(
            f"as deployed before: {', '.join(earlier)}; {FOLDER} is the place for it, NAME=default ends it"
        )


def _stays(before: render.StackInputs | None, deployable: set[str]) -> dict[str, str]:
    """What a file said is for the file to say again; all else was said once and stays."""
    if before is None:
        return {}
    return {
        setting: text
        for setting, text in before.variables.items()
        if setting in deployable and before.origins.get(setting, KEPT) in (KEPT, ENVIRONMENT)
    }


def place(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the stack's file is, or would be."""
    if not STACK_NAME.fullmatch(name):
        raise Refused(f"{name!r} is no stack's name: letters, digits, dots, _ and -, 63 at most")
    folder = environ.get("SWARMLINE_SETTINGS")
    return Path(folder or FOLDER) / f"{name}.env"


def read(name: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the stack's file says; nothing where the repository has none."""
    file = place(name, environ)
    path = file if file.is_absolute() else ROOT / file
    if not path.is_file():
        if environ.get("SWARMLINE_SETTINGS"):
            raise Refused(f"SWARMLINE_SETTINGS names {file.parent}, and {file} is not there")
        return {}
    return parse(path.read_text(encoding="utf-8"), str(file))


def parse(text: str, where: str) -> dict[str, str]:
    """Each line of a file of settings; all that is wrong is said at once."""
    settings: dict[str, str] = {}
    wrong: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        shaped = LINE.fullmatch(line.strip())
        if shaped is None:
            wrong.append(f"line {number} is not NAME=value")
            continue
        name, value = shaped[1], shaped[2] or shaped[3] or shaped[4] or ""
        reasons = (
            ["stands there twice"] if name in settings else [*_unknown(name), *_wrong(name, value)]
        )
        wrong += [f"line {number}: {name}: {reason}" for reason in reasons]
        settings[name] = value
    if wrong:
        raise Refused(f"{where}: {'; '.join(wrong)}")
    return settings


def _unknown(name: str) -> Iterator[str]:
    settings = names() | set(OUTSIDE)
    if name not in settings:
        near = difflib.get_close_matches(name, settings, 1)
        yield "is no setting" + (f"; {near[0]} is one" if near else "; docs/swarm.md has them all")


def _wrong(name: str, value: str) -> Iterable[str]:
    kind, *_ = [kind for kind in KINDS if re.fullmatch(kind.names, name)]
    if value != DEFAULT and not re.fullmatch(kind.values, value):
        yield f"{value!r} is not {kind.words}"


def _crossed(values: Mapping[str, str]) -> list[str]:
    """Bounds the wrong way round: the monitor would not start with them."""
    least, most = (int(values.get(name, usual)) for name, usual in REPLICAS)
    if least <= most:
        return []
    return [
        f"REPLICAS_MIN is {least} and REPLICAS_MAX {most}: the first may not be above the other"
    ]


def around(
    name: str, before: render.StackInputs | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """All that tells where a stack is: the environment first, then what it was deployed with, then its file."""
    recorded = before.variables if before else {}
    said = {setting: text for setting, text in environ.items() if text}
    return {**_without_default(read(name, environ)), **recorded, **said}


def outside(
    name: str, setting: str, fallback: str = "", environ: Mapping[str, str] = os.environ
) -> str:
    """A setting of the stack for another command than a deploy."""
    if text := environ.get(setting):
        for why in _wrong(setting, text):
            raise Refused(f"{setting}: {why}")
        return text
    return _without_default(read(name, environ)).get(setting, fallback)


def base_image(usual: str) -> str:
    """What images are built on, for the stack that the environment names."""
    return outside(named_stack(), "BASE_IMAGE", usual)


def _without_default(settings: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in settings.items() if text != DEFAULT}


def trusted_packages() -> list[str]:
    """Own code that goes into that stack's image, since its service is to trust it."""
    text = outside(named_stack(), "TRUSTED_PACKAGES")
    return text.replace(",", " ").split()
