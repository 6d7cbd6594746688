"""The route POST /v1/models/<model>/retrain: starts a training, the Jenkins job where there is one, else a command."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shlex
import subprocess  # nosec B404 # the command is the operator's own setting
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, request

from service.jenkins import JenkinsFault, JenkinsJob
from service.predict.served import ServedModels
from service.process.logs import log
from service.settings import Settings
from service.web.body import check_content_type, read_body
from service.web.guard import scopes
from service.web.problems import AlreadyRunning, BadGateway, NotFound
from service.web.reply import JSON_TYPE, json_response

#: As the stack's secret says it, which cannot be empty.
NO_TOKEN = "none"  # nosec B105 # it stands for none


def _lock_folder() -> Path:
    """Where locks outlast a restart of the service, as the trainings do; the user's own."""
    folder = Path(tempfile.gettempdir()) / f"swarmline-retrain-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "somebody else made it", str(folder))
    return folder


@contextlib.contextmanager
def _alone(what: str, reason: str) -> Iterator[int]:
    """Holds the lock on `what`, which is a file descriptor; AlreadyRunning where another has it."""
    name = hashlib.sha256(what.encode()).hexdigest()[:16] + ".lock"
    lock = os.open(_lock_folder() / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(reason) from error
        yield lock
    finally:
        os.close(lock)


def blueprint(models: ServedModels, settings: Settings) -> Blueprint:
    routes = Blueprint("retrain", __name__)
    trigger = Trigger(settings)

    @routes.post("/v1/models/<model>/retrain", endpoint="retrain")
    @scopes("admin")
    def start(model: str) -> Response:
        models.find(model)
        check_content_type(request.environ, JSON_TYPE)
        read_body(request.environ, settings.max_body)
        return json_response(trigger.start(model, g.context.request_id), 202)

    return routes


def _job_of(settings: Settings) -> JenkinsJob | None:
    url, user, token = settings.retrain_url, settings.retrain_user, settings.retrain_token
    if not url or token == NO_TOKEN:
        return None
    return JenkinsJob(url, user, token, settings.retrain_insecure)


class Trigger:
    def __init__(self, settings: Settings):
        self._settings = settings
        self._job = _job_of(settings)

    def start(self, model: str, request_id: str) -> dict[str, Any]:
        """What to tell the caller; AlreadyRunning where one is under way, NotFound where none can be."""
        try:
            if self._job is not None:
                # Jenkins would queue a second build, asked for before it tells of the first.
                with _alone(self._job.url, "a training is just being started"):
                    return self._start_job(self._job, model, request_id)
            if self._settings.retrain_command:
                return self._start_command(model, request_id)
        except OSError as error:
            log("error", "retrain", problem=str(error))
            raise BadGateway("the training cannot be started; the log says why") from error
        if self._settings.retrain_url:
            raise NotFound(
                "retraining is not set up here: RETRAIN_URL is, and RETRAIN_TOKEN says none"
            )
        raise NotFound("retraining is not set up here: set RETRAIN_URL or RETRAIN_COMMAND")

    def _start_job(self, job: JenkinsJob, model: str, request_id: str) -> dict[str, Any]:
        try:
            state = job.state()
            if state.in_queue:
                raise AlreadyRunning(f"a training is queued already; see {job.url}/")
            if state.running:
                raise AlreadyRunning(f"a training is running already; see {state.running.url}")
            where = job.start(model, f"request {request_id}")
        except JenkinsFault as error:
            log("error", "retrain", model=model, request_id=request_id, problem=str(error))
            raise BadGateway(f"{error}; the training was not started") from error
        log("info", "retrain", model=model, request_id=request_id, where=where)
        return {"status": "started", "model": model, "where": where}

    def _start_command(self, model: str, request_id: str) -> dict[str, Any]:
        command = self._settings.retrain_command
        words = [word.replace("{model}", model) for word in shlex.split(command)]
        # The command inherits the lock: it holds while the command runs, in all workers, and after
        # a restart too.
        with _alone(f"{model}\0{command}", f"a training of {model} is under way") as lock:
            process = subprocess.Popen(  # nosec B603 # pylint: disable=consider-using-with
                words, stdin=subprocess.DEVNULL, stdout=2, pass_fds=(lock,), start_new_session=True
            )
        threading.Thread(target=_await, args=(process, model, request_id), daemon=True).start()
        return {
            "status": "started",
            "model": model,
            "where": f"the service's log, process {process.pid}",
        }


def _await(process: subprocess.Popen[bytes], model: str, request_id: str) -> None:
    code = process.wait()
    log(
        "info" if code == 0 else "error",
        "retrain",
        model=model,
        request_id=request_id,
        exit_code=code,
    )
