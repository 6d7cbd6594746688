"""The stack as its callers see it: through the edge, and in the edge's own counters."""

from __future__ import annotations

import csv
import functools
import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests
import requests.adapters
from cryptography import x509

from scripts.command.options import build
from scripts.command.outcome import Refused
from scripts.engine import vault
from scripts.engine.docker import DockerError
from scripts.engine.swarm import View
from scripts.stack_file.settings import outside


class Access(NamedTuple):
    """How to reach the edge. `verify` is a file of certificates to trust; `host` what the edge's must be for."""

    url: str
    key: str
    edge_key: str
    verify: str | bool = True
    host: str = ""

    def get(self, path: str, timeout: float = 5.0, **headers: str) -> requests.Response:
        with self.session() as session:
            return session.get(f"{self.url}{path}", timeout=timeout, headers=headers)

    def session(self) -> requests.Session:
        """A session with the caller's key; the environment's proxies have no say in it."""
        session = requests.Session()
        session.trust_env = False
        session.verify = self.verify
        if self.host:
            session.mount("https://", _Named(self.host))
        if self.key:
            session.headers["Authorization"] = f"Bearer {self.key}"
        return session


class Server(NamedTuple):
    """One replica as one edge counts it; `window` is how many requests `mean_ms` looks back at."""

    edge: str
    slot: str
    address: str
    up: bool
    requests: int
    errors: int
    window: int
    mean_ms: float


def key_file() -> Path:
    return Path(os.environ.get("SWARMLINE_KEY_FILE") or build() / "secrets" / "deployer.key")


def edge_key_file() -> Path:
    given = os.environ.get("SWARMLINE_EDGE_KEY_FILE")
    return Path(given) if given else build() / "secrets" / "edge.key"


def access(view: View, stack: str, settings: Mapping[str, str]) -> Access:
    """The edge as the release was recorded with: its port, on a node that runs it. Where to call instead, whom to trust
    and the keys are today's affair and no release's; no other variable of the environment counts.
    """
    given = outside(stack, "SWARMLINE_URL")
    certificate = trusted(stack)
    own = pinned(certificate) if certificate else Pinned()
    return Access(
        url=(given or found_url(view, stack, settings)).rstrip("/"),
        key=_secret(key_file()),
        edge_key=_secret(edge_key_file()),
        verify=os.environ.get("SWARMLINE_CA") or own.verify,
        # An address of a node is in no certificate: there the certificate's own name is checked.
        host="" if given else own.host,
    )


@functools.cache
def trusted(stack: str) -> Path | None:
    """A file with the edge's certificate, and the one before: an edge may still have that one."""
    place = build() / "secrets" / "edge.crt"
    try:
        known = [one.content for one in vault.kept("config", stack, "edge_certificate")]
    except DockerError:
        known = []
    if known:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_text("".join(reversed(known[-2:])), encoding="ascii")
    return place if place.is_file() else None


class Pinned(NamedTuple):
    """What is known of the edge's certificate: what to trust, and its name."""

    verify: str | bool = True
    host: str = ""


def pinned(path: Path) -> Pinned:
    """The edge's certificate as it was handed out; one that signed itself is its own authority."""
    try:
        # The newest comes first.
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except ValueError as error:
        raise Refused(f"{path} has no PEM certificate that can be read") from error
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Pinned(str(path))
    hosts = names.get_values_for_type(x509.DNSName)
    hosts += [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    own = certificate.issuer == certificate.subject
    host = hosts[0].replace("*", "edge") if hosts else ""
    return Pinned(str(path) if own else True, host)


class _Named(requests.adapters.HTTPAdapter):
    """Checks the edge's certificate for a name of our choice."""

    def __init__(self, host: str):
        self._host = host
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        options |= {"assert_hostname": self._host, "server_hostname": self._host}
        super().init_poolmanager(*arguments, **options)


def found_url(view: View, stack: str, settings: Mapping[str, str]) -> str:
    scheme, usual = ("http", "80") if settings.get("EDGE_TLS") == "off" else ("https", "443")
    port = settings.get("EDGE_PORT") or "443"
    service = view.named(f"{stack}_edge")
    running = [task.node for task in view.of(service) if task.up] if service else []
    known = [view.nodes[node].address for node in running if node in view.nodes]
    usable = [address for address in known if address not in ("", "0.0.0.0", "127.0.0.1")]  # nosec
    host = usable[0] if usable else "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error


def servers(reach: Access) -> list[Server]:
    """What the edge that answers this time counts; empty where it does not answer or tell."""
    if not reach.edge_key:
        return []
    try:
        answer = reach.get("/edge/stats", Authorization=f"Bearer {reach.edge_key}")
    except requests.RequestException:
        return []
    if answer.status_code != 200:
        return []
    return read(answer.text, answer.headers.get("X-Edge", ""))


def read(text: str, edge: str) -> list[Server]:
    """HAProxy's table of counters: the lines of replicas that have an address."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
    return [
        _server(row, edge)
        for row in rows
        if row["pxname"] == "models" and row["type"] == "2" and _has_address(row)
    ]


def _has_address(row: Mapping[str, str]) -> bool:
    return bool(row.get("addr")) and not row["status"].startswith("MAINT")


def _server(row: Mapping[str, str], edge: str) -> Server:
    count: Callable[[str], int] = lambda name: int(row.get(name) or 0)
    answered = sum(count(f"hrsp_{kind}") for kind in ("1xx", "2xx", "3xx", "4xx", "5xx", "other"))
    # What was sent again to another replica reached the caller well, and still speaks against this one.
    errors = count("hrsp_5xx") + count("eresp") + count("wretr")
    return Server(
        edge=edge,
        slot=row["svname"],
        address=row["addr"].rpartition(":")[0],
        up=row["status"].startswith("UP"),
        requests=answered + count("eresp") + count("wretr"),
        errors=errors,
        window=count("stot") or answered,
        mean_ms=float(row.get("rtime") or 0),
    )
