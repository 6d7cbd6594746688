"""Serves the bundles on this machine until Ctrl-C, after a smoke test; says where to look. `make run` ends here.

    python -m scripts.operate.run [--once] [--deadline SECONDS]

Settings are the service's own (BIND, BUNDLES, ...). Exit codes: 0 done, 1 not started or not right.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess  # nosec B404 # starts our own service
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import requests

from scripts.command.options import FLAG, Outside, parsed, plain_parser
from scripts.command.outcome import Refused
from scripts.edge.smoke import exported, smoke

GRACE_SECONDS = 40.0


class NotStarted(Exception):
    """The service did not get ready; the message says why, and what to do."""


class Stopped(Exception):
    """Someone asked this process to end."""


def refuse_taken(host: str, port: int) -> None:
    """Another server on the port would answer in our service's place."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotStarted(
                f"{host}:{port} cannot be bound ({error.strerror}); name another, as in make run BIND=127.0.0.1:8081"
            ) from error


@contextmanager
def running(environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a process of its own, ended by its id whatever happens."""
    # Its own session: Ctrl-C reaches this process alone, which then ends the service in good order.
    command = [sys.executable, "-m", "service"]
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
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotStarted(
                f"the service ended with exit code {process.returncode}; see its words above"
            )
        try:
            if requests.get(f"{url}/health/ready", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass  # not listening yet
        time.sleep(0.1)
    raise NotStarted(f"the service was not ready at {url} within {seconds:g} s")


def directions(url: str, bundles: Path) -> str:
    """Where to look, and a call that works as it is pasted."""
    first = next(exported(bundles))
    body = shlex.quote(json.dumps({"rows": first.golden["rows"][:1]}))
    call = f"curl -s {url}/v1/models/{first.model}/predict -H 'Content-Type: application/json'"
    lines = ["", f"try the models   {url}/docs", "see the training make mlflow"]
    return "\n".join([*lines, f"call one         {call} -d {body}"])


def serve(environ: dict[str, str], once: bool, seconds: float) -> int:
    host, _, port = environ["BIND"].rpartition(":")
    url, bundles = f"http://{environ['BIND']}", Path(environ["BUNDLES"])
    refuse_taken(host.strip("[]"), int(port))
    with running(environ) as process:
        wait_until_ready(process, url, seconds)
        verdicts = smoke(url, bundles)
        print("\n".join(f"smoke test: {verdict}" for verdict in verdicts), flush=True)
        if any(verdict.problem for verdict in verdicts):
            return 1
        print(directions(url, bundles), flush=True)
        if once:
            return 0
        print("Ctrl-C ends it", flush=True)
        return process.wait()


def _stop(number: int, _frame: FrameType | None) -> None:
    # A second signal must not break into the ending.
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    raise Stopped(signal.Signals(number).name)


def main(arguments: list[str] | None = None) -> int:
    made = plain_parser("local", __doc__)
    made.add_argument(
        "--once",
        action="store_true",
        default=Outside("ONCE", FLAG),
        help="end after the smoke test",
    )
    made.add_argument("--deadline", type=float, default=60.0, help="seconds to get ready in")
    options = parsed(made, arguments)
    defaults = {
        "BIND": "127.0.0.1:8080",
        "BUNDLES": "build/bundles",
        # No load balancer has to notice that this one ends.
        "DRAIN_SECONDS": "0",
    }
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, _stop)
    try:
        return serve(defaults | os.environ, options.once, options.deadline)
    except (NotStarted, Refused) as error:
        print(f"swarmline: {error}", file=sys.stderr)
        return 1
    except Stopped:
        return 0


if __name__ == "__main__":
    sys.exit(main())
