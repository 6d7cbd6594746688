"""What the monitor tells Prometheus, with a model in alarm and one that is well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.receivers import serving

ARM = 'model="yield-prediction",version="1",arm="champion"'


def text() -> str:
    now = time.time()
    return f"""\
swarmline_monitor_last_success_timestamp_seconds{{model="yield-prediction"}} {now}
swarmline_monitor_interval_seconds 30
swarmline_monitor_window_rows{{{ARM}}} 500
swarmline_monitor_column_effect{{{ARM},column="light"}} 0.03
swarmline_monitor_column_alarm{{{ARM},column="light"}} 0
swarmline_monitor_alarm{{{ARM},kind="drift"}} 0
swarmline_monitor_estimate{{{ARM},metric="r2"}} 0.91
swarmline_monitor_estimate_known{{{ARM}}} 1
swarmline_monitor_quality{{{ARM},metric="r2"}} 0.9
swarmline_monitor_bound{{model="yield-prediction",metric="r2"}} 0.7
swarmline_monitor_truth_share{{{ARM}}} 0.5
swarmline_monitor_truth_delay_seconds{{{ARM}}} 3600
swarmline_monitor_truth_timestamp_seconds{{model="yield-prediction"}} {now - 60}
swarmline_monitor_source_up{{source="journal"}} 1
swarmline_monitor_clock_skew_seconds 0.01
swarmline_model_requests_total{{{ARM},outcome="answered"}} {int(now)}
swarmline_refused_values_total{{model="yield-prediction",column="light",reason="range"}} {now / 1000:.4f}
"""


class _Handler(BaseHTTPRequestHandler):
    # pylint: disable-next=invalid-name # http.server's
    def do_GET(self) -> None:
        body = text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def monitor() -> Iterator[str]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), _Handler)) as server:
        yield f"127.0.0.1:{server.server_address[1]}"
