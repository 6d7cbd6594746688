"""The route POST /v1/models/<model>/retrain: starts a training, the Jenkins job where there is one, else a command."""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import hashlib
import http.client
import os
import shlex
import subprocess  # nosec B404 # the command is the operator's own setting
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from flask import Blueprint, Response, g, request

from service.predict.served import ServedModels
from service.process.logs import log
from service.settings import Settings
from service.web.body import check_content_type, read_body
from service.web.guard import scopes
from service.web.problems import AlreadyRunning, BadGateway, NotFound
from service.web.reply import JSON_TYPE, json_response

TIMEOUT = 10.0


class _Build(msgspec.Struct):
    building: bool = False
    url: str = ""


class _Job(msgspec.Struct):
    inQueue: bool = False  # noqa: N815  # pylint: disable=invalid-name  # Jenkins' own name
    lastBuild: _Build | None = None  # pylint: disable=invalid-name


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token is for the address of the setting: nobody there may send it elsewhere."""

    # The base class's signature.
    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


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


class Trigger:
    def __init__(self, settings: Settings):
        self._settings = settings
        self._opener = urllib.request.build_opener(_NoRedirect)

    def start(self, model: str, request_id: str) -> dict[str, Any]:
        """What to tell the caller; AlreadyRunning where one is under way, NotFound where none can be."""
        try:
            if self._settings.retrain_url:
                # Jenkins would queue a second build, asked for before it tells of the first.
                with _alone(self._settings.retrain_url, "a training is just being started"):
                    return self._start_job(model, request_id)
            if self._settings.retrain_command:
                return self._start_command(model, request_id)
        except OSError as error:
            log("error", "retrain", problem=str(error))
            raise BadGateway("the training cannot be started; the log says why") from error
        raise NotFound("retraining is not set up here: set RETRAIN_URL or RETRAIN_COMMAND")

    def _start_job(self, model: str, request_id: str) -> dict[str, Any]:
        url = self._settings.retrain_url.rstrip("/")
        state, _ = self._ask(f"{url}/api/json?tree=inQueue,lastBuild[building,url]")
        try:
            job = msgspec.json.decode(state, type=_Job)
        except msgspec.MsgspecError as error:
            raise BadGateway("RETRAIN_URL answers as no Jenkins job does") from error
        if job.inQueue or (job.lastBuild and job.lastBuild.building):
            if job.inQueue:
                raise AlreadyRunning(f"a training is queued already; see {url}/")
            where = job.lastBuild.url if job.lastBuild else f"{url}/"
            raise AlreadyRunning(f"a training is running already; see {where}")
        fields = urllib.parse.urlencode({"MODEL": model, "REASON": f"request {request_id}"})
        _, headers = self._ask(f"{url}/buildWithParameters", fields.encode())
        where = headers.get("Location") or f"{url}/"
        return {"status": "started", "model": model, "where": where}

    def _ask(self, url: str, data: bytes | None = None) -> tuple[bytes, Any]:
        pair = f"{self._settings.retrain_user}:{self._settings.retrain_token}".encode()
        headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        question = urllib.request.Request(url, data, headers)
        try:
            # Settings allow http(s) only.
            with self._opener.open(question, timeout=TIMEOUT) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            if 300 <= error.code < 400:
                raise BadGateway(
                    "RETRAIN_URL redirects elsewhere; set it to the job's own address;"
                    " the training was not started"
                ) from error
            raise BadGateway(
                f"the retrain job answered {error.code}; the training was not started"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            log("error", "retrain", problem=str(error))
            raise BadGateway(
                "the retrain job cannot be reached; the training was not started"
            ) from error

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
