"""A deploy that no abort of a Jenkins build reaches, and what the build has to do with it.

Jenkins ends a build's processes by the cookies in their environment, then their children, one by one. A deploy that
was ended so in its middle would leave the Swarm half changed. So a command that changes the Swarm, begun by a build,
runs in a process that has neither cookie nor a parent of the build, in a folder of its own
(scripts/detached/folder.py). The step of the build only follows it. An abort becomes a message to it: it goes back, as
at Ctrl-C, and says so.

`verdict` is for the build's `post`: it waits until the deploy that this build began has ended, if it began one, says
how, and keeps that for the report; how it ended, the step has said with its exit code.
"""

from __future__ import annotations

import atexit
import importlib
import os
import shutil
import signal
import subprocess  # nosec B404 # the deploy is a process of its own
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from scripts.command import files, interrupts, outcome, processes
from scripts.command.deadline import Deadline
from scripts.command.outcome import DONE, KINDS, LATE, REFUSED, Refused, say
from scripts.detached import folder as folders
from scripts.detached.folder import Folder

COOKIES = {"JENKINS_NODE_COOKIE", "JENKINS_SERVER_COOKIE"}
POLL = 0.2
#: Longer than any deploy may take, with its way back.
DEADLINE = 3600.0
UNDER_WAY = (
    "a deploy was begun, and this build did not see its end; `make status` tells what serves"
)
NEVER_BEGUN = "the build was ended before its deploy began; nothing was changed"
CUT_OFF = (
    "the deploy ended without a word: it was killed, or its log above says what broke; `make status` tells what"
    " serves, and the next deploy goes on from there"
)


def carry_out(module: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `act` came to: done here, or for a build of Jenkins by a process that outlives it and runs the module's
    `main` with the same words."""
    if COOKIES.isdisjoint(os.environ):
        with interrupts.refusing():
            return act()
    with _aborts_noted() as aborts:
        _note({"code": None, "reason": UNDER_WAY})
        folder = _begin(module, aborts)
        say(
            f"the deploy runs by itself, in {folder.path}; an abort of the build is a message to it"
        )
        return _outcome(_follow(folder, aborts, DEADLINE))


def finish(module: str, act: Callable[[], dict[str, Any]], as_json: bool) -> int:
    """Ends a command that changes the Swarm by its exit code; what `act` came to is kept where the report looks."""
    return outcome.finish(lambda: carry_out(module, act), as_json, files.deploy_outcome())


def _begin(module: str, aborts: list[int]) -> Folder:
    """The folder of a deploy that runs."""
    try:
        folders.sweep()
        folder = folders.new(os.environ.get("BUILD_TAG", ""))
    except OSError as error:
        raise Refused(f"there is no place for a deploy to run in: {error}") from error
    try:
        python, environ = folders.pack(folder)
        if aborts:
            raise Refused("the build is aborted")
        command = [python, "-m", "scripts.detached", "run", str(folder.path), module]
        line = [*command, *sys.argv[1:]]
        _start(folder, line, environ)
    except (OSError, shutil.Error, Refused) as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise Refused(f"the deploy did not begin, and nothing was changed: {error}") from error
    finally:
        os.close(folder.alive)
    return folder


def _start(folder: Folder, line: list[str], environ: dict[str, str]) -> None:
    """By a process in between that ends at once, so that the deploy is no child of the build's."""
    between = os.fork()
    if between == 0:
        _start_and_leave(folder, line, environ)
    if os.waitpid(between, 0)[1]:
        raise OSError(f"{line[0]} cannot be started")


def _start_and_leave(folder: Folder, line: list[str], environ: dict[str, str]) -> NoReturn:
    try:
        # Told meanwhile, it hears it once it can answer.
        signal.pthread_sigmask(signal.SIG_BLOCK, interrupts.HANDLED)
        with folder.log.open("ab") as log:
            process = subprocess.Popen(  # nosec B603 # pylint: disable=consider-using-with
                line,
                cwd=folder.work,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=(folder.alive,),
                start_new_session=True,
            )
        try:
            folder.process.write_text(processes.identity(process.pid), encoding="ascii")
        except OSError:
            process.kill()  # nobody could tell it anything
            raise
        os._exit(0)
    finally:
        os._exit(1)


@contextmanager
def _aborts_noted() -> Iterator[list[int]]:
    """The signals that came; Jenkins waits some seconds before it ends a process for good."""
    came: list[int] = []
    with interrupts.handled(lambda number, _frame: came.append(number)):
        yield came


def _follow(folder: Folder, aborts: list[int], seconds: float) -> dict[str, Any]:
    """What the deploy came to, once it has; what it says is said here too."""
    deadline = Deadline(seconds)
    while not deadline.passed:
        runs = folder.runs()
        ended = folder.verdict() or (None if runs else _without_verdict(folder))
        _show(folder.unread(whole=ended is not None))
        if ended is not None:
            return ended
        if aborts:
            _hand_on_abort(folder)
            raise SystemExit(128 + aborts[0])
        time.sleep(POLL)
    return {
        "code": None,
        "reason": f"the deploy goes on after {seconds:g} s: {folder.log} tells more",
    }


def _show(text: str) -> None:
    if text:
        say(text.removesuffix("\n"))


def _without_verdict(folder: Folder) -> dict[str, Any]:
    folder.close()
    if not folder.process.exists():
        return {"code": REFUSED, "reason": NEVER_BEGUN}
    return folder.verdict() or {"code": None, "reason": CUT_OFF}


def _hand_on_abort(folder: Folder) -> None:
    """Hands the abort on. What was done already stays; what was begun goes back."""
    process = processes.running_here(folder.process.read_text(encoding="ascii"))
    if process is not None:
        os.kill(process, signal.SIGTERM)
        say("the build is aborted: the deploy was told to go back; `post` waits for its end")


def _outcome(ended: dict[str, Any]) -> dict[str, Any]:
    """As the command itself would have ended."""
    facts = {name: value for name, value in ended.items() if name not in ("code", "reason")}
    if ended["code"] == DONE:
        return facts
    if ended["code"] is None:
        _note(ended)
        say(ended["reason"])
        raise SystemExit(LATE)
    stopped = KINDS[ended["code"]](ended.get("reason", "see its log"), **facts)
    stopped.said = True
    raise stopped


def _note(document: dict[str, Any]) -> None:
    """For whoever reports; until more is known, that nothing is."""
    files.write_json(files.deploy_outcome(), document)


def verdict(seconds: float) -> dict[str, Any]:
    """For `post`: waits for the deploy that this build began, and keeps how it ended."""
    folder = folders.of_build(os.environ.get("BUILD_TAG", ""))
    if folder is None:
        return {}
    with _aborts_noted() as aborts:
        ended = _follow(folder, aborts, seconds)
    _note(ended)
    what = "its release serves" if ended["code"] == DONE else ended.get("reason", "see its log")
    say(f"the deploy of this build has ended: {what}")
    return ended


def run(path: str, module: str, arguments: list[str]) -> int:
    """The deploy itself, in its own folder."""
    # Registered first, it comes last.
    atexit.register(Folder(Path(path)).close)
    sys.argv = [module, *arguments]
    try:
        code: int = importlib.import_module(module).main()
        return code
    finally:
        interrupts.no_more()
