"""The real HAProxy under stack/haproxy.cfg, with replicas that do as they are told, and a name server for them."""

from __future__ import annotations

import email.message
import hashlib
import http.client
import http.server
import json
import os
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.stack_files import EDGE, edge_defaults

KEY = "the-edge-key"
DEADLINE = 20.0
HAPROXY = os.environ.get("HAPROXY", "haproxy")


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return found


class Names(threading.Thread):
    """A name server that knows one name: `addresses`, as Docker's knows a service's replicas."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.addresses: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                asked, caller = self._socket.recvfrom(4096)
            except OSError:
                return
            self._socket.sendto(self._answer(asked), caller)

    def _answer(self, asked: bytes) -> bytes:
        end = asked.index(b"\0", 12) + 5
        wants_a = asked[end - 4 : end - 2] == b"\0\1"
        found = [socket.inet_aton(one) for one in self.addresses] if wants_a else []
        head = asked[:2] + b"\x81\x80\0\1" + len(found).to_bytes(2, "big") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4"
        return head + asked[12:end] + b"".join(record + one for one in found)

    def stop(self) -> None:
        self._socket.close()


class Replica:
    """Answers 200 with what it was sent, or as its `plan` says: a status, `break` or `hang`."""

    def __init__(self, address: str, port: int):
        self.address, self.ready, self.plan = address, True, ""
        self.seen: list[tuple[str, str, email.message.Message, bytes]] = []
        self._server = _Server((address, port), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        self.hung = threading.Event()

    def stop(self) -> None:
        self.hung.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Callers that leave are no news here."""


def _handler(replica: Replica) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        # pylint: disable-next=invalid-name # http.server's
        def do_GET(self) -> None:
            if self.path == "/health/ready" and self.headers["Host"] == "edge":
                self.answer(200 if replica.ready else 503, b"{}")
            elif self.headers.get("Upgrade") == "websocket":
                self.stream()
            else:
                self.work(b"")

        # pylint: disable-next=invalid-name # http.server's
        def do_POST(self) -> None:
            if "Content-Length" in self.headers:
                self.work(self.rfile.read(int(self.headers["Content-Length"])))
                return
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            self.work(body)

        def work(self, body: bytes) -> None:
            replica.seen.append((self.command, self.path, self.headers, body))
            if replica.plan == "break":
                self.close_connection = True
                self.connection.close()
            else:
                if replica.plan == "hang":
                    replica.hung.wait(DEADLINE)
                status = int(replica.plan) if replica.plan.isdigit() else 200
                allowed = self.headers.get("Authorization") != "Bearer unknown"
                said = {"by": replica.address, "bytes": len(body)}
                self.answer(status if allowed else 401, json.dumps(said).encode())

        def stream(self) -> None:
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            self.end_headers()
            self.wfile.write(self.rfile.read(4))
            self.close_connection = True

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Release", "r1")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class Answer:
    def __init__(self, found: http.client.HTTPResponse):
        self.status, self.headers, self.body = found.status, found.headers, found.read()

    def json(self) -> Any:
        return json.loads(self.body)


class Edge:
    """One HAProxy with settings of its own; ended by its own process id."""

    def __init__(self, folder: Path, certificate: str = "", edge_key: str = KEY, **settings: str):
        self.names = Names()
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
        until(self._listens, "HAProxy listens")

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
        self.names.addresses = [one.address for one in self.replicas]
        until(lambda: self.up() == set(self.names.addresses), "the edge has found the replicas")
        return self.replicas

    def stats(self) -> list[dict[str, str]]:
        found = self.ask("GET", "/edge/stats", {"Authorization": f"Bearer {KEY}"}).body.decode()
        head, *lines = found.lstrip("# ").splitlines()
        return [dict(zip(head.split(","), line.split(","), strict=False)) for line in lines if line]

    def counters(self, replica: Replica) -> dict[str, str]:
        address = f"{replica.address}:{self.replica_port}"
        return next(one for one in self.stats() if one["addr"] == address)

    def up(self) -> set[str]:
        # "UP 1/2" after a first check that failed: requests still go there.
        return {
            one["addr"].partition(":")[0]
            for one in self.stats()
            if one["pxname"] == "models" and one["status"].startswith("UP") and one["addr"]
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
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", "/v1/models/yield/predict", given, body)

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
