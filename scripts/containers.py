"""A container on this engine for one piece of work: bytes in, bytes out, and gone whatever happens."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess  # nosec B404 # streams do not fit scripts.docker
import tempfile
import threading
from collections.abc import Iterable
from typing import IO

from scripts.docker import DockerError, docker
from scripts.outcome import Late, Refused


def run(
    image: str,
    script: str,
    flags: Iterable[str],
    given: Iterable[bytes | IO[bytes]],
    out: IO[bytes],
    seconds: float,
) -> None:
    """Runs a shell script. What is `given` comes to its input, so that no secret shows in an
    `inspect`; Refused with its last words when it fails."""
    command = shutil.which("docker")
    if command is None:
        raise Refused("there is no docker command in PATH; install Docker's command line")
    name = f"swarmline-{secrets.token_hex(6)}"
    started = [command, "run", "--rm", "-i", "--name", name, "--log-driver", "none"]
    hardened = ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"]
    late = threading.Event()
    with tempfile.TemporaryFile() as words:
        # Popen's own context manager would wait for ever where the client hangs.
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(  # nosec B603
            [*started, *hardened, "--entrypoint", "sh", *flags, image, "-euc", script],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=words,
            env=dict(os.environ),
        )
        timer = threading.Timer(seconds, _end, (name, process, late))
        timer.start()
        try:
            _feed(process, given)
            code = process.wait()
        except BaseException:
            _end(name, process, threading.Event())
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise Late(f"the container was not done within {seconds:g} s and was ended")
        if code:
            words.seek(0)
            said = words.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
            raise Refused(f"the work failed: {' '.join(said[-3:]) or 'no reason was given'}")


def _feed(process: subprocess.Popen[bytes], given: Iterable[bytes | IO[bytes]]) -> None:
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            for part in given:
                if isinstance(part, bytes):
                    pipe.write(part)
                else:
                    shutil.copyfileobj(part, pipe, 1 << 20)
    except BrokenPipeError:
        pass  # it ended early; its exit code says whether that was right


def _end(name: str, process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    try:
        docker("rm", "--force", name)
    except DockerError:
        pass  # it never came to be, or is gone
    process.kill()
