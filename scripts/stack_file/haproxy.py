"""Has HAProxy check a file of its own with the settings that the stack gives it."""

from __future__ import annotations

import os
import shutil
import subprocess  # nosec B404 # HAProxy itself is the judge
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scripts.command.outcome import Refused, say
from scripts.credentials import api_keys, certificates

SECONDS = 20.0


def check(config: Path, settings: Mapping[str, str]) -> None:
    """Refused with HAProxy's words; where there is no HAProxy, nothing but a line that says so."""
    command = shutil.which("haproxy")
    if command is None:
        say("haproxy is not installed here: its configuration is not checked")
        return
    with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
        Path(folder, "edge_key").write_text(api_keys.digest("any") + "\n", encoding="ascii")
        Path(folder, "edge_certificate").write_text(certificates.self_signed("any"), "ascii")
        environ = {"PATH": os.environ["PATH"], **settings, "EDGE_SECRETS": folder}
        done = subprocess.run(  # nosec B603
            [command, "-c", "-f", str(config)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    if done.returncode:
        raise Refused(f"{config} is not right: {done.stderr.strip()}")
    tls = f" with EDGE_TLS={settings['EDGE_TLS']}" if "EDGE_TLS" in settings else ""
    say(f"{config}: accepted{tls}")
