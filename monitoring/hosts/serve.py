"""Serves the numbers of hosts and tasks on /metrics, and /health.

    python -m monitoring hosts

The engines are asked when Prometheus asks, and at most every few seconds, however many ask.
"""

from __future__ import annotations

import http.server
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring.hosts import engines
from monitoring.hosts import numbers as swarm
from monitoring.hosts import outside
from monitoring.hosts.numbers import MEANINGS, Number, Restarts
from monitoring.hosts.settings import HostSettings, read_settings
from service.readers import BadSettings

#: Younger numbers are given again.
FRESH = 5.0

logger = logging.getLogger("swarmline.hosts")


class Exporter:
    """The numbers of now, as text; one look at a time."""

    def __init__(self, settings: HostSettings):
        self._settings = settings
        self._restarts = Restarts()
        self._looking = threading.Lock()
        self._text, self._moment = b"", float("-inf")

    def text(self) -> bytes:
        with self._looking:
            if time.monotonic() - self._moment > FRESH:
                self._text = written(self._look())
                self._moment = time.monotonic()
            return self._text

    def _look(self) -> Iterable[Number]:
        settings = self._settings
        stacks = [name for name in (settings.stack, settings.platform_stack) if name]
        nodes, failed = engines.look(*settings.engines, stacks)
        yield from swarm.numbers(nodes, failed, self._restarts)
        yield from outside.numbers(settings)


class _Collector(Collector):
    def __init__(self, numbers: Iterable[Number]):
        self._numbers = list(numbers)

    def collect(self) -> Iterable[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for name, labels, value in self._numbers:
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = families.setdefault(name, kind(name, MEANINGS[name], labels=list(labels)))
            family.add_metric(list(labels.values()), float(value))
        return families.values()


def written(numbers: Iterable[Number]) -> bytes:
    """In Prometheus' text format."""
    return prometheus_client.generate_latest(_Collector(numbers))


def handler(exporter: Exporter) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        # pylint: disable-next=invalid-name # http.server's
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self.answer(200, exporter.text())
            elif self.path == "/health":
                self.answer(200, b"alive\n")
            else:
                self.answer(404, b"only /metrics and /health\n")

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        # pylint: disable-next=redefined-builtin # http.server's
        def log_message(self, format: str, *args: Any) -> None:
            logger.debug(format, *args)

    return Handler


def serve(settings: HostSettings) -> None:
    """Until SIGTERM or Ctrl-C."""
    place = (settings.bind.host, settings.bind.port)
    server = http.server.ThreadingHTTPServer(place, handler(Exporter(settings)))
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    logger.info("numbers of hosts and tasks on http://%s/metrics", settings.bind)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def main(environ: Mapping[str, str]) -> int:
    """0 after its end, 2 where a setting cannot be."""
    try:
        settings = read_settings(environ)
    except BadSettings as error:
        print("\n".join(error.sentences), file=sys.stderr)
        return 2
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(message)s")
    serve(settings)
    return 0
