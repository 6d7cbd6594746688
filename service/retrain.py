"""Starts a training: the Jenkins job where there is one, else a command."""

from __future__ import annotations

import base64
import fcntl
import http.client
import os
import shlex
import subprocess  # nosec B404 # the command is the operator's own setting
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from service.logs import log
from service.problems import NotFound, Running, Upstream
from service.settings import Settings

TIMEOUT = 10.0


class _Build(msgspec.Struct):
    building: bool = False
    url: str = ""


class _Job(msgspec.Struct):
    inQueue: bool = False  # noqa: N815  # pylint: disable=invalid-name  # Jenkins' own name
    lastBuild: _Build | None = None  # pylint: disable=invalid-name


class Retrain:
    def __init__(self, settings: Settings, folder: Path):
        self._settings, self._folder = settings, folder

    def start(self, model: str, request_id: str) -> dict[str, Any]:
        """What to tell the caller; Running where one is under way, NotFound where none can be."""
        if self._settings.retrain_url:
            return self._start_job(model, request_id)
        if self._settings.retrain_command:
            return self._start_command(model, request_id)
        raise NotFound("retraining is not set up here: set RETRAIN_URL or RETRAIN_COMMAND")

    def _start_job(self, model: str, request_id: str) -> dict[str, Any]:
        url = self._settings.retrain_url.rstrip("/")
        state, _ = self._ask(f"{url}/api/json?tree=inQueue,lastBuild[building,url]")
        try:
            job = msgspec.json.decode(state, type=_Job)
        except msgspec.MsgspecError as error:
            raise Upstream("RETRAIN_URL answers as no Jenkins job does") from error
        if job.inQueue or (job.lastBuild and job.lastBuild.building):
            where = job.lastBuild.url if job.lastBuild and not job.inQueue else f"{url}/"
            raise Running(f"a training is under way; see {where}")
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
            with urllib.request.urlopen(question, timeout=TIMEOUT) as answer:  # nosec B310
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            raise Upstream(
                f"the retrain job answered {error.code}; the training was not started"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            log("error", "retrain", problem=str(error))
            raise Upstream(
                "the retrain job cannot be reached; the training was not started"
            ) from error

    def _start_command(self, model: str, request_id: str) -> dict[str, Any]:
        lock = os.open(self._folder / f"retrain-{model}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # The command inherits the lock: it holds while the command runs, in all workers.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            words = [
                word.replace("{model}", model)
                for word in shlex.split(self._settings.retrain_command)
            ]
            process = subprocess.Popen(  # nosec B603 # pylint: disable=consider-using-with
                words, stdin=subprocess.DEVNULL, stdout=2, pass_fds=(lock,), start_new_session=True
            )
        except BlockingIOError as error:
            raise Running(f"a training of {model} is under way") from error
        except OSError as error:
            log("error", "retrain", problem=str(error))
            raise Upstream("the retrain command cannot be run; the log says why") from error
        finally:
            os.close(lock)
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
