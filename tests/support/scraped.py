"""Numbers over HTTP as Prometheus scrapes them, made anew at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.receivers import serving


@contextmanager
def scraped(numbers: Callable[[], bytes]) -> Iterator[str]:
    """The address of an exporter that answers with them."""

    class Handler(BaseHTTPRequestHandler):
        # pylint: disable-next=invalid-name # http.server's
        def do_GET(self) -> None:
            body = numbers()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are not worth a line."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"127.0.0.1:{server.server_port}"
