"""A stand-in for Jenkins' address that keeps what it is asked: a job as a real controller answers for it.

By Jenkins' own rules: an unknown user gets 401; without Job/Read the job is not there, 404; without Job/Build it
is 403; a password in place of an API token is asked for a crumb, 403; equal builds that wait are one; the item of
the queue is the answer's Location, 201; a disabled job answers 409.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from werkzeug.wrappers import Request, Response

from tests.support.machine import free_port
from tests.support.web import serving_app

USER, TOKEN, PASSWORD = "retrain", "11" + "0a" * 16, "a word"


class RetrainJob:
    """`up` and `down` as a controller comes and goes at one address."""

    def __init__(self, name: str = "retrain", host: str = "127.0.0.1") -> None:
        self.path, self.host = f"/job/swarmline/job/{name}", host
        self.port = free_port(host)
        self.rights = {"read", "build"}
        self.disabled = False
        #: Each an item of parameters: those that wait, and those that were begun, the oldest first.
        self.queue: list[dict[str, str]] = []
        self.builds: list[dict[str, Any]] = []
        #: Every request for a build that was accepted, as it was sent.
        self.started: list[dict[str, str]] = []
        self.asked: list[str] = []
        #: A page in place of the job's JSON; an address to which it redirects.
        self.page, self.elsewhere = b"", ""
        #: Whether the answer to a start is lost on the way.
        self.loses_answers = False
        #: What a question for the job's state waits for.
        self.gate, self.waiting = threading.Event(), threading.Event()
        self.gate.set()
        self._running = ExitStack()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}{self.path}"

    def build(self, building: bool = True, **parameters: str) -> None:
        """A build that runs, or has ended."""
        self.builds.append({"building": building, "parameters": parameters})

    def up(self) -> None:
        app = Request.application(self._answer)
        self._running.enter_context(serving_app(app, host=self.host, port=self.port))

    def down(self) -> None:
        self._running.close()

    def document(self) -> dict[str, Any]:
        """What the question's `tree` asks for, and no more."""
        lines = (
            "".join(f"\n{name}={text}" for name, text in self.queue[0].items())
            if self.queue
            else ""
        )
        item = {"url": f"{self.url}/queue/item/1/", "params": lines}
        builds = [self._shown(number, build) for number, build in enumerate(self.builds, 1)]
        return {
            "_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob",
            "inQueue": bool(self.queue),
            "queueItem": (
                {"_class": "hudson.model.Queue$BlockedItem", **item} if self.queue else None
            ),
            "builds": builds[::-1],
        }

    def _shown(self, number: int, build: dict[str, Any]) -> dict[str, Any]:
        parameters = [
            {"_class": "hudson.model.StringParameterValue", "name": name, "value": text}
            for name, text in build["parameters"].items()
        ]
        action = {"_class": "hudson.model.ParametersAction", "parameters": parameters}
        return {
            "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun",
            "actions": [action, {"_class": "hudson.model.CauseAction"}, {}],
            "building": build["building"],
            "url": f"{self.url}/{number}/",
        }

    def _answer(self, request: Request) -> Response:
        self.asked.append(f"{request.method} {request.environ['RAW_URI']}")
        if request.method == "POST":
            return self._refused(request, "build") or self._started(request)
        if self.elsewhere:
            return Response(status=302, headers={"Location": self.elsewhere})
        return self._refused(request, "read") or self._told(request.args.get("tree", ""))

    def _told(self, tree: str) -> Response:
        assert "builds[" in tree and "queueItem[" in tree, tree
        self.waiting.set()
        self.gate.wait(20)
        return Response(self.page or json.dumps(self.document()))

    def _started(self, request: Request) -> Response:
        if self.disabled:
            return Response("swarmline/retrain is not buildable", 409)
        assert request.path == f"{self.path}/buildWithParameters", request.path
        parameters = request.form.to_dict()
        if parameters not in self.queue:
            self.queue.append(parameters)
        self.started.append(parameters)
        if self.loses_answers:
            raise ConnectionResetError("the answer is lost")
        return Response(status=201, headers={"Location": f"{self.url}/queue/item/1/"})

    def _refused(self, request: Request, right: str) -> Response | None:
        """The answer, where this request ends here: by who asks and what that user may."""
        login = request.authorization
        user, secret = (login.username, login.password) if login else (None, None)
        if user != USER or secret not in (TOKEN, PASSWORD):
            return Response("<html>Unauthorized</html>", 401)
        if "read" not in self.rights:
            return Response("<html>Not Found</html>", 404)
        if right == "build" and secret == PASSWORD:
            return Response("<html>No valid crumb was included in the request</html>", 403)
        if right not in self.rights:
            return Response("<html>retrain is missing the Job/Build permission</html>", 403)
        return None


@contextmanager
def retrain_job(name: str = "retrain", host: str = "127.0.0.1") -> Iterator[RetrainJob]:
    job = RetrainJob(name, host)
    job.up()
    try:
        yield job
    finally:
        job.gate.set()
        job.down()
