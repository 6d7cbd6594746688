"""The settings of `python -m monitoring hosts`, from the environment alone; all are checked before the start."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from service import readers
from service.readers import Address, Setting

HOST_AND_PORT = re.compile(r"[A-Za-z0-9_.-]{1,253}:[0-9]{1,5}")
STACK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class HostSettings(msgspec.Struct, frozen=True, kw_only=True):
    bind: Address
    engines: tuple[str, int]
    stack: str
    platform_stack: str
    edge: tuple[str, int] | None
    mlflow_url: str
    jenkins_url: str
    log_level: str


def _host_and_port(text: str) -> tuple[str, int]:
    if not HOST_AND_PORT.fullmatch(text):
        raise ValueError("a host with a port, such as tasks.engine:2375")
    host, _, port = text.partition(":")
    return host, int(port)


def _maybe_host_and_port(text: str) -> tuple[str, int] | None:
    return _host_and_port(text) if text else None


def _stack(text: str) -> str:
    if text and not STACK.fullmatch(text):
        raise ValueError("the name of a stack")
    return text


SETTINGS = (
    Setting("BIND", readers.address, "127.0.0.1:8091", "where to listen"),
    Setting(
        "ENGINES",
        _host_and_port,
        "tasks.engine:2375",
        "the engines' proxies: every address that this name has is asked",
    ),
    Setting("STACK", _stack, "swarmline", "the stack whose last backup is looked for"),
    Setting("PLATFORM_STACK", _stack, "", "the platform's, if there is one in this Swarm"),
    Setting(
        "EDGE",
        _maybe_host_and_port,
        "",
        "the edge, whose certificate is looked at; where it speaks plain HTTP there is none",
    ),
    Setting("MLFLOW_URL", readers.web_address, "", "MLflow, if its health is to be told"),
    Setting("JENKINS_URL", readers.web_address, "", "Jenkins, if its health is to be told"),
    readers.LOG_LEVEL,
)


def read_settings(environ: Mapping[str, str]) -> HostSettings:
    """The settings, or BadSettings with a sentence for each that cannot be."""
    return HostSettings(**readers.read_all(SETTINGS, environ, (), lambda _: []))
