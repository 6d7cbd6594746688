"""The exporter of hosts over HTTP: engines behind the real proxy, certificates by handshake, sites, settings."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from monitoring.hosts import numbers
from monitoring.hosts.outside import answers, certificate_end
from monitoring.hosts.serve import Exporter, main
from monitoring.hosts.settings import read_settings
from scripts.engine import backups
from tests.support import ROOT
from tests.support.edge import Edge
from tests.support.engine_answers import engine
from tests.support.machine import free_port, wait_until
from tests.support.processes import answers as responds
from tests.support.processes import spawned
from tests.support.receivers import Chat
from tests.support.web import serving


def lines(exporter: Exporter) -> set[str]:
    return {line for line in exporter.text().decode().splitlines() if not line.startswith("#")}


def exporter(port: int, **settings: str) -> Exporter:
    return Exporter(read_settings({"ENGINES": f"127.0.0.1:{port}", **settings}))


@pytest.mark.slow
def test_an_engine_behind_its_proxy_is_asked_for_all_that_is_told(tmp_path: Path) -> None:
    with engine(tmp_path) as (answering, port):
        answering.configs["swarmline_backup"] = {backups.AT: "1795656000"}
        text = lines(exporter(port))
    assert "swarmline_engines_failed 0.0" in text
    assert 'swarmline_backup_timestamp_seconds{stack="swarmline"} 1.795656e+09' in text
    assert 'swarmline_service_tasks_running{service="swarmline_model"} 3.0' in text
    assert sum(line.startswith("swarmline_task_memory_bytes{") for line in text) == len(
        answering.said["containers"]
    )
    # Else each look at a container would take the second that its rate is measured in.
    assert all("one-shot=true" in path for path in answering.seen if "/stats" in path)


@pytest.mark.slow
def test_a_worker_tells_of_its_tasks_and_a_dead_engine_is_counted(tmp_path: Path) -> None:
    with engine(tmp_path) as (answering, port):
        answering.said["info"]["Swarm"]["ControlAvailable"] = False
        mine = exporter(port)
        text = lines(mine)
        assert any(line.startswith("swarmline_task_cpu_seconds_total{") for line in text)
        assert not any(line.startswith("swarmline_node_ready") for line in text)
    assert lines(exporter(port)) == {"swarmline_engines_failed 1.0"}


@pytest.mark.slow
def test_many_who_ask_at_once_cost_the_engine_one_look(tmp_path: Path) -> None:
    with engine(tmp_path) as (answering, port):
        mine = exporter(port)
        first = mine.text()
        looks = len(answering.seen)
        assert mine.text() == first and len(answering.seen) == looks


@pytest.mark.slow
def test_it_runs_as_a_process_until_it_is_told_to_end(tmp_path: Path) -> None:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "BIND": f"127.0.0.1:{port}",
        "ENGINES": f"127.0.0.1:{free_port()}",
    }
    command = [sys.executable, "-m", "monitoring", "hosts"]
    with spawned(command, ROOT, environ) as process:
        wait_until(lambda: responds(f"http://127.0.0.1:{port}/health"), "it answers")
        assert requests.get(f"http://127.0.0.1:{port}/health", timeout=20).text == "alive\n"
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text
        assert "swarmline_engines_failed 1.0" in text
        assert requests.get(f"http://127.0.0.1:{port}/other", timeout=10).status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.slow
def test_the_edges_certificate_is_seen_by_handshake_and_plain_http_has_none(tmp_path: Path) -> None:
    # It ran out: what is to be told is just that.
    end = dt.datetime(2025, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
    shown, key = certificate(end)
    edge = Edge(tmp_path, EDGE_TLS="on", certificate=_pem(shown) + key)
    try:
        assert certificate_end("127.0.0.1", edge.port) == end.timestamp()
        text = lines(exporter(free_port(), EDGE=f"127.0.0.1:{edge.port}"))
        assert any(
            line.startswith("swarmline_certificate_expiry_timestamp_seconds") for line in text
        )
        assert certificate_end("127.0.0.1", edge.inside) is None
    finally:
        edge.stop()
    assert certificate_end("127.0.0.1", free_port()) is None


def certificate(end: dt.datetime) -> tuple[x509.Certificate, str]:
    """One that ends then, and its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "edge.test")])
    signed_certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - dt.timedelta(days=90))
        .not_valid_after(end)
        .sign(private, hashes.SHA256())
    )
    key = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return signed_certificate, key.decode()


def _pem(shown: x509.Certificate) -> str:
    return shown.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("status", "up"), [(200, True), (401, True), (403, True), (503, False), (502, False)]
)
def test_a_site_is_up_when_it_answers_itself(status: int, up: bool) -> None:
    with serving(Chat()) as site:
        site.status = status
        assert answers(site.url) is up
    assert answers(site.url) is False


def test_a_setting_that_cannot_be_is_said_and_nothing_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    environ = {"ENGINES": "engine", "EDGE": "edge", "STACK": "a b", "MLFLOW_URL": "mlflow"}
    assert main(environ) == 2
    said = capsys.readouterr().err
    assert all(f"{name} is '{value}'" in said for name, value in environ.items())


def test_what_a_backup_leaves_is_what_is_read() -> None:
    assert numbers.BACKUP_AT == backups.AT
