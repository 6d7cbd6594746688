"""What Prometheus scrapes, real and on loopback: service, edge, node exporter, exporter of hosts, Alertmanager."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import requests
import yaml

from monitoring.hosts.serve import Exporter, handler
from monitoring.hosts.settings import read_settings
from scripts.credentials import certificates
from tests.support import ROOT
from tests.support.alertmanager import environment, running
from tests.support.edge import Edge
from tests.support.engine_answers import engine
from tests.support.machine import free_port, wait_until
from tests.support.processes import answers, spawned
from tests.support.prometheus import CONFIGURATION, RULES, RUNBOOK
from tests.support.service.bundles import QUALITY, YIELD
from tests.support.service.calls import KEY
from tests.support.service.server import Server
from tests.support.web import serving

MONITORING_STACK = ROOT / "stack/monitoring.yml"
NODE_EXPORTER = os.environ.get("NODE_EXPORTER", "prometheus-node-exporter")


class Prometheus(NamedTuple):
    url: str

    def ask(self, path: str, **query: str) -> Any:
        answer = requests.get(f"{self.url}/api/v1/{path}", params=query, timeout=20)
        assert answer.ok, (query, answer.text)
        return answer.json()["data"]

    def series(self, query: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.ask("query", query=query)["result"]
        return listed

    @property
    def targets(self) -> dict[str, str]:
        """Each job, and how its target does."""
        active = self.ask("targets", state="active")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in active}


@contextmanager
def site(folder: Path, server: Server, more: Mapping[str, str]) -> Iterator[Prometheus]:
    """Prometheus over all of it; `more` are further targets by job."""
    with ExitStack() as stack:
        certificate = certificates.self_signed("edge.test")
        replicas = f"model:{server.port}"
        edge = Edge(folder, EDGE_TLS="on", certificate=certificate, EDGE_REPLICAS_AT=replicas)
        stack.callback(edge.stop)
        edge.names.addresses = ["127.0.0.1"]
        wait_until(edge.up, "the edge has found the service")
        answering, port = stack.enter_context(engine(folder))
        answering.configs["swarmline_backup"] = {"swarmline.at": str(int(time.time()) - 3600)}
        settings = read_settings(
            {
                "ENGINES": f"127.0.0.1:{port}",
                "EDGE": f"127.0.0.1:{edge.port}",
                "MLFLOW_URL": f"http://127.0.0.1:{port}",
            }
        )
        hosts = ThreadingHTTPServer(("127.0.0.1", 0), handler(Exporter(settings)))
        stack.enter_context(serving(hosts))
        alertmanager = stack.enter_context(running(folder, environment(folder)))
        targets = {
            "edge": f"127.0.0.1:{edge.inside}",
            "model": f"127.0.0.1:{server.port}",
            "hosts": f"127.0.0.1:{hosts.server_address[1]}",
            "node": stack.enter_context(node_exporter(folder)),
            "alertmanager": alertmanager.url.removeprefix("http://"),
            **more,
        }
        stack.enter_context(callers(edge))
        yield stack.enter_context(prometheus(folder, targets))


@contextmanager
def callers(edge: Edge) -> Iterator[None]:
    """Somebody calls without end, rightly and wrongly."""
    ended = threading.Event()

    headers = KEY | {"Content-Type": "application/json"}

    def call() -> None:
        while not ended.wait(0.1):
            for contract in (QUALITY, YIELD):
                path = f"/v1/models/{contract.model}/predict"
                wrong = {**contract.example, "light": 1e9, "crop": "<b>weed</b>"}
                for row in (contract.example, wrong):
                    edge.ask("POST", path, headers, json.dumps({"rows": [row]}))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def node_exporter(folder: Path) -> Iterator[str]:
    """With the collectors of stack/monitoring.yml, over this machine."""
    service = yaml.safe_load(MONITORING_STACK.read_text(encoding="utf-8"))["services"][
        "node-exporter"
    ]
    collectors = [
        word.replace("$$", "$") for word in service["command"] if word.startswith("--collector")
    ]
    address = f"127.0.0.1:{free_port()}"
    with (folder / "node.log").open("w") as log:
        command = [NODE_EXPORTER, *collectors, f"--web.listen-address={address}"]
        with spawned(command, folder, dict(os.environ), stdout=log, stderr=log):
            wait_until(lambda: answers(f"http://{address}/"), "the node exporter answers")
            yield address


def configuration(folder: Path, targets: Mapping[str, str]) -> Path:
    """stack/monitoring/prometheus.yml with these targets in place of names, and seconds in place of minutes."""
    document = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    document["global"] |= {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    document["rule_files"] = [str(folder / "rules.yml")]
    text = RULES.read_text(encoding="utf-8").replace("interval: 30s", "interval: 1s")
    # Longer than the scrapes that a busy machine misses: else an alarm is over, and told of twice.
    text = text.replace("keep_firing_for: 15m", "keep_firing_for: 5s")
    (folder / "rules.yml").write_text(text, encoding="utf-8")
    (alertmanagers,) = document["alerting"]["alertmanagers"]
    del alertmanagers["dns_sd_configs"]
    alertmanagers["static_configs"] = [{"targets": [targets["alertmanager"]]}]
    jobs = [job for job in document["scrape_configs"] if job["job_name"] in targets]
    for job in jobs:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    document["scrape_configs"] = jobs
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, str]) -> Iterator[Prometheus]:
    address = f"127.0.0.1:{free_port()}"
    file = configuration(folder, {**targets, "prometheus": address})
    command = [
        *("prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"),
        *(f"--web.listen-address={address}", "--enable-feature=expand-external-labels"),
    ]
    environ = {"PATH": os.environ["PATH"], "RUNBOOK_URL": RUNBOOK}
    with (folder / "prometheus.log").open("w") as log:
        with spawned(command, folder, environ, stdout=log, stderr=log) as process:
            ready = f"http://{address}/-/ready"
            wait_until(lambda: process.poll() is not None or answers(ready), "Prometheus is ready")
            assert process.poll() is None, (folder / "prometheus.log").read_text()
            yield Prometheus(f"http://{address}")
