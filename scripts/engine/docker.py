"""The docker command, as the scripts use it: each call with a deadline, each failure a sentence.

Which engine it acts on is the command's own affair: DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, DOCKER_CONTEXT.
No other module starts it: what Jenkins binds as credentials (scripts.engine.login) reaches every call only from here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess  # nosec B404 # the docker command is this module's whole purpose
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

from scripts.command.outcome import Late, Refused
from scripts.engine import login

SECONDS = 60.0
#: Logs come from nodes, and one that is lost never answers.
LOG_SECONDS = 10.0
#: How the command's words begin where no engine answers.
UNREACHED = ("cannot connect to the docker daemon", "error during connect")


class DockerError(Refused):
    """Docker refused or did not answer; `words` is what it said."""

    def __init__(self, arguments: tuple[str, ...], words: str):
        self.words = words.strip()
        super().__init__(
            f"no Docker engine answers ({self.words}); start one, or name one with DOCKER_HOST"
            if self.words.lower().startswith(UNREACHED)
            else f"`docker {' '.join(arguments[:3])}` failed: {self.words or 'no reason'}"
        )


def docker(
    *arguments: str,
    stdin: str | None = None,
    environ: Mapping[str, str | None] | None = None,
    seconds: float = SECONDS,
) -> str:
    """What the command printed. `stdin` goes to its input; `environ` adds to the environment, None takes out."""
    return _run(arguments, seconds, stdin, environ).stdout


def docker_shown(
    *arguments: str, environ: Mapping[str, str | None] | None = None, seconds: float
) -> None:
    """The command's own words go to stderr, for people."""
    try:
        done = subprocess.run(  # nosec B603
            [_command(), *arguments],
            stdout=sys.stderr,
            env=_environment(environ or {}),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _late(arguments, seconds) from error
    if done.returncode:
        raise Refused(f"`docker {arguments[0]}` failed; its words are above")


def docker_stream(
    *arguments: str,
    stdin: Iterable[bytes | IO[bytes]] = (),
    out: IO[bytes] | None = None,
    seconds: float,
    end: Callable[[], None] = lambda: None,
) -> None:
    """Bytes in and bytes out, which no string should hold; `end` is called when it is cut off."""
    late = threading.Event()

    def cut_off() -> None:
        late.set()
        end()
        process.kill()

    with tempfile.TemporaryFile() as words:
        # Popen's own context manager would wait for ever where the client hangs.
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(  # nosec B603
            [_command(), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if out is None else out,
            stderr=words,
            env=_environment({}),
        )
        timer = threading.Timer(seconds, cut_off)
        timer.start()
        try:
            _feed(process, stdin)
            code = process.wait()
        except BaseException:
            cut_off()
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise _late(arguments, seconds)
        if code:
            raise DockerError(arguments, _last_words(words))


def _feed(process: subprocess.Popen[bytes], parts: Iterable[bytes | IO[bytes]]) -> None:
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            for part in parts:
                if isinstance(part, bytes):
                    pipe.write(part)
                else:
                    shutil.copyfileobj(part, pipe, 1 << 20)
    except BrokenPipeError:
        pass  # it ended early; its exit code says whether that was right


def _last_words(words: IO[bytes]) -> str:
    words.seek(0)
    return " ".join(words.read().decode("utf-8", "replace")[-2000:].strip().splitlines()[-3:])


def _late(arguments: tuple[str, ...], seconds: float) -> Late:
    return Late(
        f"`docker {arguments[0]}` did not end within {seconds:g} s; give more with --deadline"
    )


def last_lines(name: str, lines: int) -> list[str]:
    """What a task or a service's containers wrote last, on either stream."""
    done = _run(("service", "logs", "--raw", "--tail", str(lines), name), LOG_SECONDS)
    return f"{done.stdout}{done.stderr}".splitlines()


def _run(
    arguments: tuple[str, ...],
    seconds: float,
    stdin: str | None = None,
    environ: Mapping[str, str | None] | None = None,
) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(  # nosec B603
            [_command(), *arguments],
            input=stdin,
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


def _command() -> str:
    command = shutil.which("docker")
    if command is None:
        raise Refused("there is no docker command in PATH; install Docker's command line")
    return command


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    environ = {**os.environ, **login.environment(), **changes}
    return {name: text for name, text in environ.items() if text is not None}


def docker_json(*arguments: str) -> Any:
    """What an `inspect` printed, or one value a line of a `ls --format '{{json .}}'`."""
    words = docker(*arguments)
    if "--format" in arguments:
        return [json.loads(line) for line in words.splitlines() if line]
    return json.loads(words)
