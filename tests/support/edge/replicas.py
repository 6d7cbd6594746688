"""A replica that answers as a test tells it to."""

from __future__ import annotations

import contextlib
import email.message
import http.server
import json
import socketserver
import threading
from collections.abc import Iterator

#: As long as one hangs.
PATIENCE = 20.0


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
                    replica.hung.wait(PATIENCE)
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


@contextlib.contextmanager
def planned(replica: Replica, plan: str) -> Iterator[None]:
    replica.plan = plan
    try:
        yield
    finally:
        replica.plan = ""
