"""One-off jobs in the Swarm: a task with secrets, on any node, that is waited for and then gone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager

from scripts.command.deadline import Deadline
from scripts.command.outcome import Refused
from scripts.engine.docker import LOG_SECONDS, DockerError, docker, docker_json, last_lines

ENDED = ("Complete", "Failed", "Rejected", "Shutdown", "Orphaned")
#: As Docker names a node whose logs it cannot have.
SILENT_NODE = re.compile(r"node (\w+) is not available")


def run(
    stack: str, purpose: str, image: str, script: str, files: Mapping[str, str], seconds: float
) -> None:
    """Runs a shell script on the stack's inner network; `files` are those below /run/secrets and the secrets that are
    in them. Refused with its last words when it fails. What it printed is not asked for: see `ask`.
    """
    with _ended(_words(stack, purpose, image, script, files), Deadline(seconds)):
        pass


def ask(
    stack: str, purpose: str, image: str, script: str, files: Mapping[str, str], seconds: float
) -> str:
    """As `run`, of a script that changes nothing; returns what it printed.

    That comes by Docker's logs, which it may no longer hand on from a node that was away for a moment, until its engine
    is started again (moby/moby 35011). So the script is run again on another node.
    """
    deadline, avoided = Deadline(seconds), set[str]()
    while True:
        words = _words(stack, purpose, image, script, files, avoided)
        with _ended(words, deadline) as name:
            try:
                return docker("service", "logs", "--raw", name, seconds=deadline.left(LOG_SECONDS))
            except DockerError as error:
                silent = set(SILENT_NODE.findall(error.words)) - avoided
                avoided |= silent
                if not silent or avoided >= set(docker("node", "ls", "--quiet").split()):
                    raise


def _words(
    stack: str,
    purpose: str,
    image: str,
    script: str,
    files: Mapping[str, str],
    avoided: Set[str] = frozenset(),
) -> list[str]:
    """The command that creates the job, with its name first."""
    flags = [f"--secret=source={source},target={target}" for target, source in files.items()]
    flags += [f"--constraint=node.id!={node}" for node in sorted(avoided)]
    return [
        f"{stack}_{purpose}_{secrets.token_hex(4)}",
        *("--mode", "replicated-job", "--restart-condition", "none"),
        *("--network", f"{stack}_internal", "--with-registry-auth"),
        *("--cap-drop", "ALL", "--read-only", "--user", "65534:65534", "--limit-memory", "256M"),
        *("--label", f"swarmline.stack={stack}", "--entrypoint", "sh", *flags),
        *(image, "-euc", script),
    ]


@contextmanager
def _ended(words: Sequence[str], deadline: Deadline) -> Iterator[str]:
    """The name of a job that has done its work, and is gone afterwards."""
    name, *rest = words
    docker("service", "create", "--detach", "--quiet", "--name", name, *rest)
    try:
        deadline.wait_for(
            lambda: _is_complete(name),
            lambda: f"the job {name} did not end in time; it is {_state(name)}",
            step=0.3,
        )
        yield name
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
