"""Where to look, and a call that works as it is pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.command.environments import secrets_folder
from scripts.edge import client
from scripts.edge.client import EdgeClient


def to_monitoring(url: str, stack: str) -> list[str]:
    """The monitor's pages and Grafana, and what opens them."""
    password = secrets_folder(stack) / "grafana.password"
    return [
        f"the monitor      {url}/monitor/   any name, and the key in {client.key_file(stack)} as password",
        f"Grafana          {url}/grafana/   admin, and the password in {password}",
    ]


def show(url: str, line: str, call: str) -> None:
    print(f"\ntry the models   {url}/docs\n{line}\ncall one         {call}", flush=True)


def call_of(edge: EdgeClient, key: Path | None, model: str, golden: Mapping[str, Any]) -> str:
    """A call with the first golden row. Where the certificate has a name, that name is called, at the address found."""
    place = urlsplit(edge.url)
    port = place.port or (443 if place.scheme == "https" else 80)
    words = ["curl", "-s"]
    address = edge.url
    if isinstance(edge.verify, str):
        words += ["--cacert", shlex.quote(edge.verify)]
    if place.scheme == "https" and edge.host and edge.host != place.hostname:
        words += ["--connect-to", f"{edge.host}:{port}:{place.hostname}:{port}"]
        address = f"https://{edge.host}:{port}"
    words += [f"{address}/v1/models/{model}/predict", "-H", "'Content-Type: application/json'"]
    if edge.key:
        words += ["-H", f'"Authorization: Bearer $(cat {shlex.quote(str(key))})"']
    return " ".join([*words, "-d", shlex.quote(json.dumps({"rows": golden["rows"][:1]}))])
