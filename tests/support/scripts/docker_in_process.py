"""The stand-in for the docker command without a process for each call.

A deploy makes a hundred calls, of which Python's start would be all the time.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.support.scripts import docker_stand_in


def subprocesses(command: Path, folder: Path) -> Any:
    """What stands for the module `subprocess` in scripts.engine.docker: this command's calls are made here, all other
    ones by a process of their own, and so are this one's where it is to hang or to send a signal.
    """

    def run(words: list[str], **options: Any) -> Any:
        is_ours = words[0] == str(command) and "capture_output" in options
        if not is_ours or _needs_process(folder, words[1:]):
            return subprocess.run(words, **options)  # pylint: disable=subprocess-run-check
        return _answered(words, options["input"] or "", options["env"])

    return SimpleNamespace(**{**vars(subprocess), "run": run})


def _needs_process(folder: Path, words: list[str]) -> bool:
    faults = json.loads((folder / "swarm.json").read_bytes())["faults"]
    here = [each for each in faults if " ".join(words).startswith(each["call"]) and each["times"]]
    return any("hangs" in each or "signal" in each for each in here)


def _answered(
    words: list[str], stdin: str, environ: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        said = docker_stand_in.act(words[1:], stdin, environ)
    except SystemExit as failure:
        return subprocess.CompletedProcess(words, 1, "", f"{failure}\n")
    return subprocess.CompletedProcess(words, 0, f"{said}\n" if said else "", "")
