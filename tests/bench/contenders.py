"""Who is measured: each as its users start it, in processes that end with the benchmark."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from service.bundle.exported import Bundle
from tests.bench.wrk import Load
from tests.support.machine import free_port

#: Ours, with its own worker and with Gunicorn's; what answers as little as Flask can, and as much as any server could.
OURS = "swarmline"
OURS_UNDER_GTHREAD = "swarmline, gthread"
EMPTY = "empty Flask view, gthread"
MLFLOW = "mlflow models serve"
FASTAPI = "FastAPI + pydantic + scikit-learn"
LIMIT = "limit: Granian + msgspec + ONNX Runtime"
WORKERS = 2
KEY = "bench"
START_SECONDS = 180.0


class Contender(NamedTuple):
    name: str
    command: list[str]
    environ: dict[str, str]
    port: int
    ready_path: str

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class NotStarted(RuntimeError):
    """Has the end of the contender's own log."""


class Running:
    """A started contender: how long it took, what memory it holds; `stop` ends its whole group."""

    def __init__(self, contender: Contender, log: Path):
        self.contender = contender
        started = time.perf_counter()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                contender.command,
                env=dict(os.environ) | {"PATH": _path()} | contender.environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self._await(log)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.perf_counter() - started

    def _await(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise NotStarted(f"{self.contender.name} did not start:\n{tail}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        """A bare socket: importing a client must not be part of what is measured."""
        try:
            with socket.create_connection(("127.0.0.1", self.contender.port), timeout=5) as link:
                head = f"GET {self.contender.ready_path} HTTP/1.1\r\nHost: x\r\n"
                link.sendall(f"{head}Connection: close\r\n\r\n".encode())
                return link.recv(64).split(b" ")[1:2] in ([b"200"], [b"404"], [b"405"])
        except OSError:
            return False

    def pss_megabytes(self) -> float:
        """Memory of all its processes, with what they share counted once."""
        total = 0
        for pid in processes(self.process.pid):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total / 1024

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(15)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def _path() -> str:
    """MLflow looks for uvicorn by name."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def processes(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(below for child in children for below in processes(int(child)))]


def ours(bundles: Path, folder: Path, worker: str = "poller") -> Contender:
    """The service as it is deployed: keys, checks, journal, metrics on."""
    folder.mkdir(exist_ok=True)
    keys = folder / "keys"
    keys.write_text(f"bench:predict:{hashlib.sha256(KEY.encode()).hexdigest()}\n", encoding="utf-8")
    port = free_port()
    environ = {
        "BIND": f"127.0.0.1:{port}",
        "BUNDLES": str(bundles),
        "WORKER": worker,
        "WORKERS": str(WORKERS),
        "DRAIN_SECONDS": "0",
        "LOG_LEVEL": "warning",
        "KEYS_FILE": str(keys),
        "JOURNAL_URL": f"sqlite:///{folder}/journal.db",
        "JOURNAL_SPOOL": str(folder / "spool"),
        # As in the image.
        "MALLOC_ARENA_MAX": "2",
    }
    name = OURS if worker == "poller" else OURS_UNDER_GTHREAD
    return Contender(name, [sys.executable, "-m", "service"], environ, port, "/health/ready")


def empty() -> Contender:
    """Under Gunicorn's own worker, with as many processes and threads as ours."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "tests.bench.empty:app"]
    command += ["--worker-class", "gthread", "--workers", str(WORKERS), "--threads", "4"]
    command += ["--bind", f"127.0.0.1:{port}", "--keep-alive", "75", "--log-level", "warning"]
    return Contender(EMPTY, command, {}, port, "/ready")


def mlflow(model_uri: str, tracking: str) -> Contender:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        model_uri,
        "-p",
        str(port),
        "--workers",
        str(WORKERS),
        "--env-manager",
        "local",
    ]
    return Contender(MLFLOW, command, {"MLFLOW_TRACKING_URI": tracking}, port, "/ping")


def fastapi(pipeline: Path, bundle: Path) -> Contender:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "tests.bench.fastapi_app:app",
        "--port",
        str(port),
        "--workers",
        str(WORKERS),
        "--log-level",
        "warning",
        "--no-access-log",
    ]
    environ = {"PIPELINE": str(pipeline), "BUNDLE": str(bundle)}
    return Contender(FASTAPI, command, environ, port, "/ready")


def limit_takes(bundle: Bundle) -> bool:
    """It reads numbers alone, and only ONNX."""
    numbers = all(column.type in ("number", "integer") for column in bundle.contract.columns)
    return numbers and bundle.manifest.engine == "onnx"


def limit(bundle: Path) -> Contender:
    port = free_port()
    command = [sys.executable, "-m", "granian", "tests.bench.limit:app", "--interface", "rsgi"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)]
    environ = {"BUNDLE": str(bundle), "OMP_NUM_THREADS": "1"}
    return Contender(LIMIT, [*command, "--log-level", "warning"], environ, port, "/")


def load_for(contender: Contender, model: str, rows: list[dict[str, object]]) -> Load:
    """The same rows, as each contender wants them."""
    if contender.name in (OURS, OURS_UNDER_GTHREAD):
        url = contender.url(f"/v1/models/{model}/predict")
        return Load(url, {"rows": rows}, {"Authorization": f"Bearer {KEY}"})
    if contender.name == MLFLOW:
        return Load(contender.url("/invocations"), {"dataframe_records": rows}, {})
    if contender.name == EMPTY:
        return Load(contender.url("/"), {"rows": rows}, {})
    return Load(contender.url("/predict"), {"rows": rows}, {})
