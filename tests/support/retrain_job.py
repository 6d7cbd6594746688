"""A stand-in for Jenkins' address that keeps what it is asked: a job as a real controller answers for it.

By Jenkins' own rules: an unknown user gets 401; without Job/Read the job is not there, 404; without Job/Build it
is 403; a password in place of an API token is asked for a crumb, 403; equal builds that wait are one; the item of
the queue is the answer's Location, 201; a disabled job answers 409.
"""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.machine import free_port

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
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}{self.path}"

    def build(self, building: bool = True, **parameters: str) -> None:
        """A build that runs, or has ended."""
        self.builds.append({"building": building, "parameters": parameters})

    def up(self) -> None:
        job = self

        class Handler(_Handler):
            jenkins = job

        self._server = http.server.ThreadingHTTPServer((self.host, self.port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def down(self) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server = None

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


class _Handler(http.server.BaseHTTPRequestHandler):
    jenkins: RetrainJob

    # pylint: disable-next=invalid-name # http.server's
    def do_GET(self) -> None:
        jenkins = self.jenkins
        jenkins.asked.append(f"GET {self.path}")
        if jenkins.elsewhere:
            self._answer(302, b"", Location=jenkins.elsewhere)
            return
        if self._refuse("read"):
            return
        tree = dict(parse_qsl(urlsplit(self.path).query)).get("tree", "")
        assert "builds[" in tree and "queueItem[" in tree, tree
        jenkins.waiting.set()
        jenkins.gate.wait(20)
        self._answer(200, jenkins.page or json.dumps(jenkins.document()).encode())

    # pylint: disable-next=invalid-name # http.server's
    def do_POST(self) -> None:
        jenkins = self.jenkins
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        jenkins.asked.append(f"POST {self.path}")
        if self._refuse("build"):
            return
        if jenkins.disabled:
            self._answer(409, b"swarmline/retrain is not buildable")
            return
        assert self.path == f"{jenkins.path}/buildWithParameters", self.path
        parameters = dict(parse_qsl(body))
        if parameters not in jenkins.queue:
            jenkins.queue.append(parameters)
        jenkins.started.append(parameters)
        if jenkins.loses_answers:
            self.close_connection = True
            self.connection.close()
            return
        self._answer(201, b"", Location=f"{jenkins.url}/queue/item/1/")

    def _refuse(self, right: str) -> bool:
        """Whether this request ends here: by who asks and what that user may."""
        scheme, _, words = self.headers.get("Authorization", "").partition(" ")
        login = base64.b64decode(words).decode() if scheme == "Basic" else ""
        user, _, secret = login.partition(":")
        if user != USER or secret not in (TOKEN, PASSWORD):
            self._answer(401, b"<html>Unauthorized</html>")
        elif "read" not in self.jenkins.rights:
            self._answer(404, b"<html>Not Found</html>")
        elif right == "build" and secret == PASSWORD:
            self._answer(403, b"<html>No valid crumb was included in the request</html>")
        elif right not in self.jenkins.rights:
            self._answer(403, b"<html>retrain is missing the Job/Build permission</html>")
        else:
            return False
        return True

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def retrain_job(name: str = "retrain", host: str = "127.0.0.1") -> Iterator[RetrainJob]:
    job = RetrainJob(name, host)
    job.up()
    try:
        yield job
    finally:
        job.gate.set()
        job.down()
