"""The real HAProxy under stack/haproxy.cfg, with replicas and their name server."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.edge.name_server import NameServer
from tests.support.edge.replicas import Replica
from tests.support.machine import free_port, wait_until
from tests.support.stack_files import EDGE, edge_defaults

KEY = "the-edge-key"
DEADLINE = 20.0
HAPROXY = os.environ.get("HAPROXY", "haproxy")
MEGABYTE = 1 << 20


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self) -> Any:
        return json.loads(self.body)


class Edge:
    """One HAProxy with settings of its own; ended by its own process id."""

    def __init__(self, folder: Path, certificate: str = "", edge_key: str = KEY, **settings: str):
        self.names = NameServer()
        self.names.start()
        self.port, self.inside, self.replica_port = free_port(), free_port(), free_port()
        self.plain = free_port()
        self.replicas: list[Replica] = []
        self.log_path = folder / "haproxy.log"
        secrets = folder / "secrets"
        secrets.mkdir(exist_ok=True)
        (secrets / "edge_key").write_text(hashlib.sha256(edge_key.encode()).hexdigest() + "\n")
        (secrets / "edge_certificate").write_text(certificate)
        self.environ = edge_defaults() | {
            "EDGE_TLS": "off",
            "EDGE_LISTEN": f"127.0.0.1:{self.port}",
            "EDGE_LISTEN_HTTP": f"127.0.0.1:{self.plain}",
            "EDGE_HTTPS_PORT": str(self.port),
            "EDGE_INSIDE": f"127.0.0.1:{self.inside}",
            "EDGE_RESOLVER": f"127.0.0.1:{self.names.port}",
            "EDGE_REPLICAS_AT": f"model:{self.replica_port}",
            "EDGE_SECRETS": str(secrets),
            "EDGE_LOG_PER_MILLE": "1000",
            # For each, HAProxy asks the machine's name server at its start; some leave one of many unanswered.
            "EDGE_SLOTS": "4",
            "RES_OPTIONS": "timeout:1 attempts:1",
        }
        self.environ |= settings
        self.tls = self.environ["EDGE_TLS"] == "on"
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [HAPROXY, "-db", "-f", str(EDGE)],
                env={"PATH": os.environ["PATH"], **self.environ},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._listens, "HAProxy listens")

    @property
    def pid(self) -> int:
        return self._process.pid

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log_path.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def add(self, number: int = 2) -> list[Replica]:
        """That many replicas, found by name and healthy."""
        for _ in range(number):
            address = f"127.0.0.{len(self.replicas) + 2}"
            self.replicas.append(Replica(address, self.replica_port))
        self.names.addresses = [replica.address for replica in self.replicas]
        wait_until(
            lambda: self.up() == set(self.names.addresses), "the edge has found the replicas"
        )
        return self.replicas

    def stats(self) -> list[dict[str, str]]:
        table = self.ask("GET", "/edge/stats", {"Authorization": f"Bearer {KEY}"}).body.decode()
        head, *lines = table.lstrip("# ").splitlines()
        return [dict(zip(head.split(","), line.split(","), strict=False)) for line in lines if line]

    def counters(self, replica: Replica) -> dict[str, str]:
        address = f"{replica.address}:{self.replica_port}"
        return next(row for row in self.stats() if row["addr"] == address)

    def up(self) -> set[str]:
        # "UP 1/2" after a first check that failed: requests still go there.
        return {
            row["addr"].partition(":")[0]
            for row in self.stats()
            if row["pxname"] == "models" and row["status"].startswith("UP") and row["addr"]
        }

    def connect(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)
        if not self.tls:
            return plain
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(plain)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        chunked: bool = False,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.sock = self.connect()
        try:
            connection.request(method, path, body, dict(headers or {}), encode_chunked=chunked)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def predict(self, body: bytes = b'{"rows":[]}', **headers: str) -> Answer:
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", "/v1/models/yield/predict", spelled, body)

    def log(self) -> list[dict[str, Any]]:
        lines = self.log_path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(DEADLINE)
        finally:
            self._process.kill()
            self.names.stop()
            for replica in self.replicas:
                replica.stop()


#: How tests start edges with settings of their own.
Start = Callable[..., Edge]


def problem(answer: Answer, status: int, code: str) -> dict[str, object]:
    """The document by which the edge says no."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, object] = answer.json()
    assert document["type"] == f"urn:swarmline:problem:{code}" and document["status"] == status
    assert document["request_id"] == answer.headers["X-Request-Id"]
    return document
