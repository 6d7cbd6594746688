"""A source of advisories as OSV's, on this machine: what pip-audit asks, whatever network there is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def advisories(holes: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The variables by which pip-audit asks here; `holes` has the id of a hole by the name of the package."""

    class Source(BaseHTTPRequestHandler):
        # pylint: disable-next=invalid-name # the name is the library's
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]
            body = json.dumps(_answer(asked, holes.get(asked["name"]))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # pylint: disable=redefined-builtin
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Source) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/v1/query"
        try:
            yield {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv", "PIP_AUDIT_OSV_URL": url}
        finally:
            server.shutdown()
            thread.join()


def _answer(package: dict[str, str], hole: str | None) -> dict[str, Any]:
    if hole is None:
        return {}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
    return {
        "vulns": [
            {"id": hole, "summary": "a hole", "affected": [{"package": package, "ranges": ranges}]}
        ]
    }
