"""One-off jobs in the Swarm: a task with secrets, on any node, that is waited for and then gone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from scripts.command.outcome import Late, Refused
from scripts.engine.docker import LOG_SECONDS, DockerError, docker, docker_json, last_lines

ENDED = ("Complete", "Failed", "Rejected", "Shutdown", "Orphaned")


def run(
    stack: str, purpose: str, image: str, script: str, given: Mapping[str, str], seconds: float
) -> str:
    """Runs a shell script on the stack's inner network, and returns what it printed; `given` are files
    below /run/secrets and the secrets that are in them. Refused with its last words when it fails.
    """
    name = f"{stack}_{purpose}_{secrets.token_hex(4)}"
    flags = [f"--secret=source={source},target={target}" for target, source in given.items()]
    docker(
        *("service", "create", "--detach", "--quiet", "--name", name, "--mode", "replicated-job"),
        *("--restart-condition", "none", "--network", f"{stack}_internal", "--with-registry-auth"),
        *("--cap-drop", "ALL", "--read-only", "--user", "65534:65534", "--limit-memory", "256M"),
        *("--label", f"swarmline.stack={stack}", "--entrypoint", "sh", *flags),
        *(image, "-euc", script),
    )
    try:
        deadline = time.monotonic() + seconds
        _wait(name, deadline)
        return docker(
            "service", "logs", "--raw", name, seconds=max(deadline - time.monotonic(), LOG_SECONDS)
        )
    finally:
        docker("service", "rm", name)


def _wait(name: str, deadline: float) -> None:
    state = "not placed"
    while time.monotonic() < deadline:
        tasks = docker_json("service", "ps", "--no-trunc", "--format", "{{json .}}", name)
        if tasks:
            state = f"{tasks[0]['CurrentState']} {tasks[0]['Error']}".strip()
        word = state.partition(" ")[0]
        if word == "Complete":
            return
        if word in ENDED:
            raise Refused(f"the job {name} ended with {state}; {_last_words(name)}")
        time.sleep(0.3)
    raise Late(f"the job {name} did not end in time; it is {state}")


def _last_words(name: str) -> str:
    try:
        lines = last_lines(name, 3)
    except DockerError as error:
        return str(error)
    return f"it said: {' '.join(lines) or 'nothing'}"
