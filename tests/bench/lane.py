"""`python -m tests.bench.lane --against FOLDER`: what a prediction of one row costs, beside another checkout's code.

In one process each, without a network, in rounds by turns: the processor's time by request, the least of many short
batches. A busy machine changes this little, where requests a second may halve.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.command.options import parsed
from tests.support import ROOT

REQUESTS, BATCHES = 50, 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, required=True, help="a checkout to compare with")
    parser.add_argument("--rounds", type=int, default=10)
    options = parsed(parser, None)
    with tempfile.TemporaryDirectory(prefix="swarmline-lane-") as place:
        bundles = Path(place) / "bundles"
        write_bundles(bundles)
        costs: dict[Path, list[float]] = {ROOT: [], options.against.resolve(): []}
        for number in range(options.rounds):
            # By turns first, since who comes second finds the machine warmer.
            for folder in sorted(costs, reverse=bool(number % 2)):
                costs[folder].append(measured(folder, bundles))
    for how in (min, statistics.median):
        ours, theirs = (how(seconds) * 1e6 for seconds in costs.values())
        print(
            f"{how.__name__}: {ours:.1f} microseconds a prediction of one row here, {theirs:.1f} there:"
            f" {theirs / ours:.3f} of there's throughput"
        )
    return 0


def write_bundles(root: Path) -> None:
    from tests.support.service import bundles  # pylint: disable=import-outside-toplevel

    bundles.write_bundle(root, bundles.YIELD, "1", linear=True)


def measured(folder: Path, bundles: Path) -> float:
    command = [sys.executable, str(Path(__file__).resolve()), "--measure", str(bundles)]
    environ = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])


def measure(bundles: Path, folder: Path) -> float:
    """Seconds a request, by the code that PYTHONPATH names."""
    # pylint: disable=import-outside-toplevel
    from service.process import metrics

    (folder / "metrics").mkdir()
    metrics.keep_in(folder / "metrics")
    from service.app import create_app
    from service.process.state import State
    from service.settings import read_settings

    environ = {
        **{"BUNDLES": str(bundles), "RELEASE": "r", "AUTH": "off", "BIND": "127.0.0.1:1"},
        **{"JOURNAL_URL": f"sqlite:///{folder}/journal.db", "JOURNAL_SPOOL": f"{folder}/spool"},
    }
    service = create_app(read_settings(environ), State())
    service.models.open_journal()
    body = b'{"rows":[{"light":20.0,"temperature":21.5,"trays":4}]}'
    ask(service.lane, body, 300)
    costs = []
    for _ in range(BATCHES):
        started = time.process_time()
        ask(service.lane, body, REQUESTS)
        costs.append((time.process_time() - started) / REQUESTS)
    # Batches are short, so that some of them meet no neighbour.
    return min(costs)


def ask(application: Any, body: bytes, times: int) -> None:
    statuses = set()
    for _ in range(times):
        environ = {
            **{"REQUEST_METHOD": "POST", "PATH_INFO": "/v1/models/yield-prediction/predict"},
            **{"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))},
            **{"wsgi.input": io.BytesIO(body), "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "x"},
            **{"wsgi.url_scheme": "http", "SERVER_NAME": "x", "SERVER_PORT": "1"},
        }
        application(environ, lambda status, headers: statuses.add(status))
    assert statuses == {"200 OK"}, statuses


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        with tempfile.TemporaryDirectory(prefix="swarmline-lane-") as scratch:
            print(measure(Path(sys.argv[2]), Path(scratch)))
        raise SystemExit(0)
    raise SystemExit(main())
