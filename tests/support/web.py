"""Small web servers of a test's own, in this process: what each request gets is a function's answer."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

Server = TypeVar("Server", bound=socketserver.BaseServer)


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Requests are not worth a line."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving_app(
    app: Any,
    handler: type[WSGIRequestHandler] = Quiet,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[str]:
    """The address of a WSGI application."""
    server = make_server(host, port, app, threaded=True, request_handler=handler)
    with serving(server):
        yield f"http://{host}:{server.server_port}"


@contextmanager
def answering(
    answer: Callable[[Request], Response], handler: type[WSGIRequestHandler] = Quiet
) -> Iterator[str]:
    """The address of a server that answers so."""
    with serving_app(Request.application(answer), handler) as url:
        yield url


@contextmanager
def scraped(numbers: Callable[[], bytes]) -> Iterator[str]:
    """The host and port of an exporter whose numbers are made anew at each scrape of Prometheus."""
    with answering(lambda _: Response(numbers(), content_type="text/plain; version=0.0.4")) as url:
        yield url.removeprefix("http://")
