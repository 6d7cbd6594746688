"""The docker command, as the scripts use it: each call with a deadline, each failure a sentence.

Which engine it acts on is the command's own affair: DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, DOCKER_CONTEXT.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess  # nosec B404 # the docker command is this module's whole purpose
from collections.abc import Mapping
from typing import Any

from scripts.access import access
from scripts.outcome import Refused

SECONDS = 60.0


class DockerError(Refused):
    """Docker refused or did not answer; `words` is what it said."""

    def __init__(self, arguments: tuple[str, ...], words: str):
        self.words = words.strip()
        super().__init__(f"`docker {' '.join(arguments[:3])}` failed: {self.words or 'no reason'}")


def docker(
    *arguments: str,
    given: str | None = None,
    environ: Mapping[str, str | None] | None = None,
    seconds: float = SECONDS,
) -> str:
    """What the command printed. `given` goes to its input; `environ` adds to the environment, None takes out."""
    return _run(arguments, seconds, given, environ).stdout


def written(name: str, lines: int, seconds: float = 10.0) -> list[str]:
    """The last lines that a task or a service's containers wrote, on either stream."""
    done = _run(("service", "logs", "--raw", "--tail", str(lines), name), seconds)
    return f"{done.stdout}{done.stderr}".splitlines()


def _run(
    arguments: tuple[str, ...],
    seconds: float,
    given: str | None = None,
    environ: Mapping[str, str | None] | None = None,
) -> subprocess.CompletedProcess[str]:
    command = shutil.which("docker")
    if command is None:
        raise Refused("there is no docker command in PATH; install Docker's command line")
    try:
        done = subprocess.run(  # nosec B603
            [command, *arguments],
            input=given,
            env=_environment(environ or {}),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            # Ctrl-C is for us: what docker was told to do is done, and then gone back from.
            process_group=0,
        )
    except subprocess.TimeoutExpired as error:
        raise DockerError(arguments, f"no answer within {seconds:g} s") from error
    if done.returncode:
        raise DockerError(arguments, done.stderr or done.stdout)
    return done


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    found = {**os.environ, **access(), **changes}
    return {key: text for key, text in found.items() if text is not None}


def docker_json(*arguments: str, seconds: float = SECONDS) -> Any:
    """What an `inspect` printed, or one value a line of a `ls --format '{{json .}}'`."""
    words = docker(*arguments, seconds=seconds)
    if "--format" in arguments:
        return [json.loads(line) for line in words.splitlines() if line]
    return json.loads(words)
