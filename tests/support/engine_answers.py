"""An engine that answers what a real one answered, on a socket behind the real proxy of stack/monitoring/engine.cfg."""

from __future__ import annotations

import base64
import contextlib
import copy
import http.server
import json
import os
import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support import ROOT
from tests.support.edge.haproxy import HAPROXY
from tests.support.machine import free_port, wait_until
from tests.support.processes import answers, spawned

PROXY = ROOT / "stack/monitoring/engine.cfg"
RECORDED = ROOT / "tests/monitoring/hosts/answers.json"


def recorded() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return copy.deepcopy(document)


class EngineAnswers(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """`said` may be changed while it runs; `seen` has the paths that reached it."""

    daemon_threads = True

    def __init__(self, path: Path):
        super().__init__(str(path), _Handler)
        self.said = recorded()
        self.configs: dict[str, dict[str, str]] = {}
        self.seen: list[str] = []

    def answer(self, path: str) -> tuple[int, Any]:
        words = re.sub(r"^/v[\d.]+", "", path).split("/")[1:]
        if words[0] == "containers" and words[-1] == "stats":
            return 200, self.said["stats"]
        if words[0] == "configs":
            labels = self.configs.get(words[1])
            spec = {
                "Spec": {
                    "Name": words[1],
                    "Labels": labels,
                    "Data": base64.b64encode(b"{}").decode(),
                }
            }
            return (404, {"message": "config not found"}) if labels is None else (200, spec)
        if (
            words[0] in ("nodes", "services", "tasks")
            and not self.said["info"]["Swarm"]["ControlAvailable"]
        ):
            return 503, {"message": "This node is not a swarm manager."}
        return 200, self.said.get(words[0])


class _Handler(http.server.BaseHTTPRequestHandler):
    server: EngineAnswers

    # pylint: disable-next=invalid-name # http.server's
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.seen.append(self.path)
        status, document = self.server.answer(path)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def proxied(folder: Path, socket: str, address: str, port: int) -> Iterator[None]:
    """stack/monitoring/engine.cfg before an engine's socket."""
    text = PROXY.read_text(encoding="utf-8").replace("bind :2375", f"bind {address}:{port}")
    file = folder / "engine.cfg"
    file.write_text(text, encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "ENGINE_SOCKET": socket}
    with (folder / "proxy.log").open("w") as log:
        command = [HAPROXY, "-db", "-f", str(file)]
        with spawned(command, folder, environ, stdout=log, stderr=log):
            wait_until(lambda: answers(f"http://{address}:{port}/v1.41/info"), "the proxy answers")
            yield


@contextlib.contextmanager
def engine(folder: Path) -> Iterator[tuple[EngineAnswers, int]]:
    """The engine, and the port of its proxy on 127.0.0.1."""
    place, port = folder / "engine", free_port()
    place.mkdir()
    server = EngineAnswers(place / "engine.sock")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        with proxied(place, str(place / "engine.sock"), "127.0.0.1", port):
            server.seen.clear()
            yield server, port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
