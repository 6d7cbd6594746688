"""The registry of a test network: a process on this machine, reached by every node, with the stand-ins in it."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.machine import wait_until
from tests.support.swarm.engine import fetched
from tests.support.swarm.images import Image, digest_of, key_of
from tests.support.swarm.shell import Process, start

PORT = 5000
#: Whatever proxy the machine has: the registry is on a network of our own.
OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True)
class Registry:
    folder: Path
    host: str

    @property
    def address(self) -> str:
        return f"{self.host}:{PORT}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.folder / "data")},
                "delete": {"enabled": True},
            },
            "http": {"addr": self.address},
        }
        # JSON is YAML.
        (self.folder / "config.yml").write_text(json.dumps(config), encoding="utf-8")
        program = fetched("registry", "bookworm", ("docker-registry",)) / "usr/bin/docker-registry"
        log, file = self.folder / "log", self.folder / "registry.pid"
        start(file, log, program, "serve", self.folder / "config.yml")
        wait_until(lambda: self._answers("/v2/"), f"the registry answers, see {log}", 30)

    def stop(self) -> None:
        process = Process.read(self.folder / "registry.pid")
        if process is not None:
            process.end(signal.SIGTERM)

    def push(self, image: Image) -> str:
        """How the image is called then: by digest."""
        repository = f"stand-in/{image.recipe.name}"
        self._upload(repository, image.config)
        self._upload(repository, image.layer.read_bytes())
        kind = json.loads(image.manifest)["mediaType"]
        place = f"/v2/{repository}/manifests/{key_of(image.recipe)}"
        self._ask("PUT", place, image.manifest, kind)
        return f"{self.address}/{repository}@{digest_of(image.manifest)}"

    def delete(self, reference: str) -> None:
        """Takes an image away, by its digest."""
        repository, _, digest = reference.removeprefix(f"{self.address}/").partition("@")
        self._ask("DELETE", f"/v2/{repository}/manifests/{digest}")

    def _upload(self, repository: str, content: bytes) -> None:
        digest = digest_of(content)
        if self._answers(f"/v2/{repository}/blobs/{digest}"):
            return
        place = self._ask("POST", f"/v2/{repository}/blobs/uploads/", b"")["Location"]
        place = place.removeprefix(f"http://{self.address}")
        self._ask("PUT", f"{place}&digest={digest}", content, "application/octet-stream")

    def _answers(self, place: str) -> bool:
        try:
            self._ask("HEAD", place)
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    def _ask(self, method: str, place: str, content: bytes | None = None, kind: str = "") -> Any:
        headers = {"Content-Type": kind} if kind else {}
        url = f"http://{self.address}{place}"
        request = urllib.request.Request(url, content, headers, method=method)
        with OPEN(request, timeout=120) as answer:
            return answer.headers
