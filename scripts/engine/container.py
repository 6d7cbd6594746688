"""A container on this engine for one piece of work: bytes in, bytes out, and gone whatever happens."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from typing import IO

from scripts.command.outcome import Refused
from scripts.engine.docker import DockerError, docker, docker_stream


def run(
    image: str,
    script: str,
    flags: Iterable[str],
    stdin: Iterable[bytes | IO[bytes]],
    out: IO[bytes],
    seconds: float,
) -> None:
    """Runs a shell script. `stdin` comes to its input, so that no secret shows in an
    `inspect`; Refused with its last words when it fails."""
    name = f"swarmline-{secrets.token_hex(6)}"
    begin = ("run", "--rm", "-i", "--name", name, "--log-driver", "none")
    hardened = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only")
    words = (*begin, *hardened, "--entrypoint", "sh", *flags, image, "-euc", script)
    try:
        docker_stream(*words, stdin=stdin, out=out, seconds=seconds, end=lambda: _remove(name))
    except DockerError as error:
        raise Refused(f"the work failed: {error.words or 'no reason was given'}") from error


def _remove(name: str) -> None:
    with contextlib.suppress(DockerError):  # it never came to be, or is gone
        docker("rm", "--force", name)
