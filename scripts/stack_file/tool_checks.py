"""Has HAProxy, Prometheus and Alertmanager check their own files, each where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess  # nosec B404 # their own tools are asked
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scripts.command.outcome import Refused, say
from scripts.credentials import api_keys, certificates

SECONDS = 60.0


def check_haproxy(config: Path, settings: Mapping[str, str]) -> None:
    """With the settings that the stack gives it; Refused with HAProxy's words."""
    with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
        Path(folder, "edge_key").write_text(api_keys.digest("any") + "\n", encoding="ascii")
        Path(folder, "edge_certificate").write_text(certificates.self_signed("any"), "ascii")
        environ = {"PATH": os.environ["PATH"], **settings, "EDGE_SECRETS": folder}
        tls = f" with EDGE_TLS={settings['EDGE_TLS']}" if "EDGE_TLS" in settings else ""
        _check(("haproxy", "-c", "-f"), config, environ, tls)


def check_monitoring(folder: Path) -> None:
    """Refused with the tool's words."""
    _check(("promtool", "check", "config"), folder / "prometheus.yml")
    _check(("amtool", "check-config"), folder / "alertmanager.yml")


def _check(
    command: tuple[str, ...], file: Path, environ: Mapping[str, str] | None = None, note: str = ""
) -> None:
    tool, *words = command
    path = shutil.which(tool)
    if path is None:
        say(f"{tool} is not installed here: {file.name} is not checked")
        return
    done = subprocess.run(  # nosec B603
        [path, *words, str(file)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise Refused(f"{file} is not right: {(done.stderr or done.stdout).strip()}")
    say(f"{file}: accepted by {tool}{note}")
