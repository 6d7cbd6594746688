"""Stands in for the service where a test needs one that is wrong, dies or never gets ready: STUB says which."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WAY = os.environ.get("STUB", "right")
GOLDEN = json.loads(next(Path(os.environ["BUNDLES"]).glob("*/*/golden.json")).read_bytes())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        self._answer(503 if WAY == "never" else 200, {})

    def do_POST(self):  # pylint: disable=invalid-name
        self.rfile.read(int(self.headers["Content-Length"]))
        right = {"version": "1", "predictions": GOLDEN["predictions"]}
        wrong = {"version": "1", "predictions": [0 for _ in GOLDEN["predictions"]]}
        old = right | {"version": "0"}
        status = 422 if WAY == "refuses" else 200
        self._answer(status, {"wrong": wrong, "old": old}.get(WAY, right))

    def _answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        """Quiet: what the script prints is what the tests read."""


if WAY == "dies":
    sys.exit(3)
host, _, port = os.environ["BIND"].rpartition(":")
ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
