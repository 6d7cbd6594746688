"""One-off jobs in the Swarm: a task with secrets, on any node, that is waited for and then gone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from scripts.command.deadline import Deadline
from scripts.command.outcome import Refused
from scripts.engine.docker import LOG_SECONDS, DockerError, docker, docker_json, last_lines

ENDED = ("Complete", "Failed", "Rejected", "Shutdown", "Orphaned")


def run(
    stack: str, purpose: str, image: str, script: str, files: Mapping[str, str], seconds: float
) -> str:
    """Runs a shell script on the stack's inner network, and returns what it printed; `files` are those
    below /run/secrets and the secrets that are in them. Refused with its last words when it fails.
    """
    name = f"{stack}_{purpose}_{secrets.token_hex(4)}"
    flags = [f"--secret=source={source},target={target}" for target, source in files.items()]
    docker(
        *("service", "create", "--detach", "--quiet", "--name", name, "--mode", "replicated-job"),
        *("--restart-condition", "none", "--network", f"{stack}_internal", "--with-registry-auth"),
        *("--cap-drop", "ALL", "--read-only", "--user", "65534:65534", "--limit-memory", "256M"),
        *("--label", f"swarmline.stack={stack}", "--entrypoint", "sh", *flags),
        *(image, "-euc", script),
    )
    try:
        deadline = Deadline(seconds)
        deadline.wait_for(
            lambda: _is_complete(name),
            lambda: f"the job {name} did not end in time; it is {_state(name)}",
            step=0.3,
        )
        return docker("service", "logs", "--raw", name, seconds=deadline.left(LOG_SECONDS))
    finally:
        docker("service", "rm", name)


def _is_complete(name: str) -> bool:
    state = _state(name)
    word = state.partition(" ")[0]
    if word in ENDED and word != "Complete":
        raise Refused(f"the job {name} ended with {state}; {_last_words(name)}")
    return word == "Complete"


def _state(name: str) -> str:
    tasks = docker_json("service", "ps", "--no-trunc", "--format", "{{json .}}", name)
    return f"{tasks[0]['CurrentState']} {tasks[0]['Error']}".strip() if tasks else "not placed"


def _last_words(name: str) -> str:
    try:
        lines = last_lines(name, 3)
    except DockerError as error:
        return str(error)
    return f"it said: {' '.join(lines) or 'nothing'}"
