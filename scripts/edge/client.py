"""The stack as its callers meet it: the edge's address, the keys, and the certificate to trust."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests
import requests.adapters
from cryptography import x509

from scripts.command import files
from scripts.command.environments import secrets_folder
from scripts.command.outcome import Refused
from scripts.engine import secrets_and_configs
from scripts.engine.docker import DockerError
from scripts.engine.secrets_and_configs import CERTIFICATE
from scripts.engine.swarm import View
from scripts.stack_file.settings import outside

#: What a node calls itself that no other machine reaches.
NO_ADDRESS = ("", "0.0.0.0", "127.0.0.1")  # nosec B104 # nothing is bound


class EdgeClient(NamedTuple):
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
            session.mount("https://", _CheckedFor(self.host))
        if self.key:
            session.headers["Authorization"] = f"Bearer {self.key}"
        return session


def key_file(stack: str) -> Path:
    named = os.environ.get("SWARMLINE_KEY_FILE")
    return Path(named or secrets_folder(stack) / "deployer.key")


def edge_key_file(stack: str) -> Path:
    named = os.environ.get("SWARMLINE_EDGE_KEY_FILE")
    return Path(named or secrets_folder(stack) / "edge.key")


def client_for(view: View, stack: str, settings: Mapping[str, str]) -> EdgeClient:
    """The edge as the release was recorded with: its port, on a node that runs it. Where to call instead, whom to trust
    and the keys are today's affair and no release's; no other variable of the environment counts.
    """
    url = outside(stack, "SWARMLINE_URL")
    certificate = trusted(stack)
    own = pinned(certificate) if certificate else Pinned()
    return EdgeClient(
        url=(url or url_of(view, stack, settings)).rstrip("/"),
        key=_secret(key_file(stack)),
        edge_key=_secret(edge_key_file(stack)),
        verify=os.environ.get("SWARMLINE_CA") or own.verify,
        # An address of a node is in no certificate: there the certificate's own name is checked.
        host="" if url else own.host,
    )


@functools.cache
def trusted(stack: str) -> Path | None:
    """A file with the edge's certificate, and the one before: an edge may still have that one."""
    place = secrets_folder(stack) / "edge.crt"
    try:
        certificates = secrets_and_configs.listed("config", stack, CERTIFICATE)
    except DockerError:
        certificates = []
    if certificates:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write(place, "".join(each.content for each in reversed(certificates[-2:])))
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
    hosts += map(str, names.get_values_for_type(x509.IPAddress))
    own = certificate.issuer == certificate.subject
    host = hosts[0].replace("*", "edge") if hosts else ""
    return Pinned(str(path) if own else True, host)


class _CheckedFor(requests.adapters.HTTPAdapter):
    """Checks the edge's certificate for a name of our choice."""

    def __init__(self, host: str):
        self._host = host
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        options |= {"assert_hostname": self._host, "server_hostname": self._host}
        super().init_poolmanager(*arguments, **options)


def url_of(view: View, stack: str, settings: Mapping[str, str]) -> str:
    scheme, usual = ("http", "80") if settings.get("EDGE_TLS") == "off" else ("https", "443")
    port = settings.get("EDGE_PORT") or "443"
    service = view.named(f"{stack}_edge")
    running = [task.node for task in view.of(service) if task.up] if service else []
    addresses = [view.nodes[node].address for node in running if node in view.nodes]
    usable = [address for address in addresses if address not in NO_ADDRESS]
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
