"""The project's own commands, run on the test Swarm as people and pipelines run them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import ROOT

#: By what follows `make`: the room of `scripts` behind it, and its verb.
COMMANDS = {
    "backup": ("operate", "backup"),
    "confirm": ("operate", "confirm"),
    "deploy": ("release", "deploy"),
    "image": ("image", "build"),
    "ledger": ("ledger", "write"),
    "monitoring": ("monitoring_stack", "up"),
    "down": ("operate", "down"),
    "mlflow-image": ("platform_stack", "mlflow-image"),
    "plan": ("release", "plan"),
    "platform": ("platform_stack",),
    "prune": ("operate", "prune"),
    "publish": ("image", "publish"),
    "ramp": ("ramp",),
    "releases": ("release", "releases"),
    "restore": ("operate", "restore"),
    "restore-test": ("operate", "restore-test"),
    "rollback": ("release", "rollback"),
    "scale": ("release", "scale"),
    "secrets": ("credentials",),
    "stack-file": ("release", "stack-file"),
    "status": ("operate", "status"),
    "trace": ("operate", "trace"),
    "traffic": ("release", "traffic"),
}


class Outcome(NamedTuple):
    """How a command ended; `words` is what it told people, on standard error."""

    code: int
    out: str
    words: str
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """What it printed with --json."""
        document: dict[str, Any] = json.loads(self.out) if self.out.lstrip().startswith("{") else {}
        return document

    def good(self) -> Outcome:
        assert self.code == 0, self.out + self.words
        return self


class Running:
    """A command that goes on while the test does something; its end is waited for on the way out."""

    def __init__(self, environ: Mapping[str, str], name: str, *arguments: str, root: Path = ROOT):
        room, *verb = COMMANDS[name]
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"scripts.{room}", *verb, *arguments],
            cwd=root,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.kill, self.send_signal = self._process.kill, self._process.send_signal

    def outcome(self, seconds: float = 600) -> Outcome:
        out, words = self._process.communicate(timeout=seconds)
        took = round(time.monotonic() - self._began, 1)
        return Outcome(self._process.returncode, out, words, took)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def run(
    environ: Mapping[str, str],
    name: str,
    *arguments: str,
    seconds: float = 600,
    root: Path = ROOT,
) -> Outcome:
    """By the code of the checkout at `root`."""
    with Running(environ, name, *arguments, root=root) as running:
        return running.outcome(seconds)
