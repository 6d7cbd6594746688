"""Serves the bundles on this machine, and watches them, until Ctrl-C; says where to look. `make run` ends here.

    python -m scripts.operate run [--once] [--deadline SECONDS]

Settings are the service's own (BIND, BUNDLES, ...) and the monitor's, which binds to MONITOR_BIND.
Exit codes: 0 done, 1 not started or not right.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess  # nosec B404 # starts our own service
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import requests

from outside.values import FLAG, Outside
from scripts.command import interrupts
from scripts.command.deadline import Deadline
from scripts.command.options import parsed, plain_parser
from scripts.command.outcome import Refused, say
from scripts.edge.client import EdgeClient
from scripts.edge.smoke import golden_rows, smoke
from scripts.operate import directions

GRACE_SECONDS = 40.0
#: Between two looks whether the service still runs.
LOOK_SECONDS = 1.0


class Ended(Exception):
    """Someone asked this process to end."""


def refuse_taken(address: str) -> int:
    """The port of the address. Another server on it would answer in our service's place."""
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, OverflowError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no host:port"
            raise Refused(
                f"{address} cannot be bound ({reason}); name another, as in make run BIND=127.0.0.1:8081"
            ) from error
    return int(port)


@contextmanager
def running(environ: dict[str, str], *module: str) -> Iterator[subprocess.Popen[bytes]]:
    """The service or the monitor as a process of its own, ended by its id whatever happens."""
    # Its own session: Ctrl-C reaches this process alone, which then ends the others in good order.
    command = [sys.executable, "-m", *module]
    process = subprocess.Popen(command, env=environ, start_new_session=True)  # nosec B603
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], url: str, seconds: float) -> None:
    def is_ready() -> bool:
        if process.poll() is not None:
            raise Refused(
                f"the service ended with exit code {process.returncode}; see its words above"
            )
        try:
            return requests.get(f"{url}/health/ready", timeout=2).status_code == 200
        except requests.RequestException:
            return False  # not listening yet

    Deadline(seconds).wait_for(
        is_ready,
        lambda: f"the service was not ready at {url} within {seconds:g} s",
        step=0.1,
        error=Refused,
    )


def serve(environ: dict[str, str], once: bool, seconds: float) -> int:
    url, bundles = f"http://{environ['BIND']}", Path(environ["BUNDLES"])
    refuse_taken(environ["BIND"])
    with running(environ, "service") as process:
        wait_until_ready(process, url, seconds)
        verdicts = smoke(url, bundles)
        print("\n".join(f"smoke test: {verdict}" for verdict in verdicts), flush=True)
        if any(verdict.problem for verdict in verdicts):
            return 1
        first = next(golden_rows(bundles))
        call = directions.call_of(EdgeClient(url, "", ""), None, first.model, first.golden)
        directions.show(url, "see the training make mlflow", call)
        if once:
            return 0
        with watching(environ, url) as monitor:
            print(f"watch them       {monitor}\nCtrl-C ends it", flush=True)
            return _wait_for_end(process)


def _wait_for_end(process: subprocess.Popen[bytes]) -> int:
    """Looks again and again: a signal that came just before a wait without end would be heeded after it."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(LOOK_SECONDS)


@contextmanager
def watching(environ: dict[str, str], url: str) -> Iterator[str]:
    """The monitor, after the service and without waiting for it: what a person reads of where it is."""
    address = environ.get("MONITOR_BIND") or "127.0.0.1:8090"
    try:
        is_there = refuse_taken(address) > 0
    except Refused:
        is_there = False
    if not is_there:
        yield f"not here: {address} cannot be bound; MONITOR_BIND=127.0.0.1:8091 names another"
        return
    # Windows of a minute, judged seconds after they end: who tries it out sees something within minutes.
    hasty = {"MONITOR_WINDOW": "1m", "MONITOR_EVERY": "5", "MONITOR_ALLOWANCE": "5"}
    variables = {name: value for name, value in environ.items() if value}
    with running(hasty | variables | {"BIND": address, "SERVICE_URL": url}, "monitoring", "serve"):
        yield f"http://{address}/monitor/, make simulate"


def _stop(number: int, _frame: FrameType | None) -> None:
    # A second signal must not break into the ending.
    interrupts.no_more()
    raise Ended(signal.Signals(number).name)


def main(arguments: list[str] | None = None) -> int:
    line = plain_parser("operate run", __doc__)
    line.add_argument(
        "--once",
        action="store_true",
        default=Outside("ONCE", FLAG),
        help="end after the smoke test",
    )
    line.add_argument("--deadline", type=float, default=60.0, help="seconds to get ready in")
    options = parsed(line, arguments)
    defaults = {
        "BIND": "127.0.0.1:8080",
        "BUNDLES": "build/bundles",
        # No load balancer has to notice that this one ends.
        "DRAIN_SECONDS": "0",
    }
    chosen = {name: os.environ.get(name) or usual for name, usual in defaults.items()}
    try:
        with interrupts.handled(_stop):
            return serve(os.environ | chosen, options.once, options.deadline)
    except Refused as error:
        say(f"swarmline: {error}")
        return 1
    except Ended:
        return 0
