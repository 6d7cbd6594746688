"""Has Prometheus' and Alertmanager's own tools check the files below stack/monitoring/, where they are installed."""

from __future__ import annotations

import shutil
import subprocess  # nosec B404 # their own tools are the judges
from pathlib import Path

from scripts.command.outcome import Refused, say

SECONDS = 60.0
TOOLS = {
    "prometheus.yml": ("promtool", "check", "config"),
    "alertmanager.yml": ("amtool", "check-config"),
}


def check(folder: Path) -> None:
    """Refused with the tool's words."""
    for name, (tool, *words) in TOOLS.items():
        command = shutil.which(tool)
        if command is None:
            say(f"{tool} is not installed here: {name} is not checked")
            continue
        done = subprocess.run(  # nosec B603
            [command, *words, str(folder / name)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise Refused(f"{folder / name} is not right: {(done.stderr or done.stdout).strip()}")
        say(f"{folder / name}: accepted by {tool}")
