"""Groovy 2.4, the very release that Jenkins runs, from Debian's package: scripts for the tests of Jenkins files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SECONDS = 120.0


def groovy(
    script: Path, *arguments: str, seconds: float = SECONDS, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script; what it printed and how it ended are the caller's to judge."""
    command, java = shutil.which("groovy"), shutil.which("java")
    assert command and java, "Groovy is missing: `.ci/install` installs it"
    # Debian's launcher trusts a link that only its own Java package makes.
    home = str(Path(java).resolve().parents[1])
    return subprocess.run(
        [command, str(script), *arguments],
        env={**os.environ, "JAVA_HOME": home, **environ},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
