"""Retraining on request: by a command, and by Jenkins."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service.caller import Caller
from tests.support.service.server import wait_for


def test_a_retrain_command_runs_once_at_a_time(make_app: Any, tmp_path: Path) -> None:
    gate, runs = tmp_path / "gate", tmp_path / "runs"
    command = f"sh -c 'echo {{model}} >> {runs}; until [ -e {gate} ]; do sleep 0.05; done'"
    caller, path = Caller(make_app(RETRAIN_COMMAND=command)), "/v1/models/yield-prediction/retrain"
    assert caller.post(path, {}).status_code == 202
    assert caller.post(path, {}).status_code == 409
    gate.touch()
    wait_for(lambda: caller.post(path, {}).status_code == 202)
    # Started is not yet run: the command's shell writes when it comes to it.
    wait_for(lambda: runs.is_file() and runs.read_text("utf-8") == "yield-prediction\n" * 2)


def test_a_retrain_command_that_outlives_the_service_still_runs(
    make_app: Any, tmp_path: Path
) -> None:
    gate, path = tmp_path / "gate", "/v1/models/yield-prediction/retrain"
    command = f"sh -c 'until [ -e {gate} ]; do sleep 0.05; done'"
    try:
        assert Caller(make_app(RETRAIN_COMMAND=command)).post(path, {}).status_code == 202
        after_restart = Caller(make_app(RETRAIN_COMMAND=command))
        assert after_restart.post(path, {}).status_code == 409
    finally:
        gate.touch()
    wait_for(lambda: after_restart.post(path, {}).status_code == 202)


def test_retraining_that_is_not_set_up_says_so(caller: Caller) -> None:
    assert "RETRAIN_URL" in caller.post("/v1/models/yield-prediction/retrain", {}).json["detail"]


class _Jenkins(http.server.BaseHTTPRequestHandler):
    """The two addresses of a Jenkins job that matter here."""

    building = False
    queued = False
    page = b""
    elsewhere = ""
    #: What a GET waits for before it is answered.
    gate = threading.Event()
    waiting = threading.Event()
    asked: list[tuple[str, str, str]] = []

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        self.asked.append((self.path, "", self.headers["Authorization"]))
        if self.elsewhere:
            self.send_response(302)
            self.send_header("Location", self.elsewhere)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.waiting.set()
        self.gate.wait(20)
        build = {"building": self.building, "url": "http://jenkins/job/retrain/7/"}
        job = {"inQueue": self.queued, "lastBuild": build}
        self._answer(200, self.page or json.dumps(job).encode())

    def do_POST(self) -> None:  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append((self.path, body, self.headers["Authorization"]))
        self._answer(201, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Location", "http://jenkins/queue/item/7/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # pylint: disable=arguments-differ
        return


@pytest.fixture
def jenkins() -> Iterator[str]:
    _Jenkins.building, _Jenkins.queued, _Jenkins.elsewhere = False, False, ""
    _Jenkins.asked, _Jenkins.page = [], b""
    _Jenkins.gate.set()
    _Jenkins.waiting.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Jenkins)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/job/retrain"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_jenkins_job_is_started_unless_it_runs(make_app: Any, jenkins: str) -> None:
    caller = Caller(make_app(RETRAIN_URL=jenkins, RETRAIN_TOKEN="t"))
    path = "/v1/models/yield-prediction/retrain"
    assert caller.post(path, {}).json["where"] == "http://jenkins/queue/item/7/"
    asked = _Jenkins.asked[1]
    assert asked[0] == "/job/retrain/buildWithParameters" and "MODEL=yield-prediction" in asked[1]
    _Jenkins.building = True
    assert "http://jenkins/job/retrain/7/" in caller.post(path, {}).json["detail"]
    _Jenkins.queued = True
    refused = caller.post(path, {})
    assert refused.status_code == 409 and "queued already" in refused.json["detail"]


def builds() -> int:
    return sum(path.endswith("/buildWithParameters") for path, _, _ in _Jenkins.asked)


def test_two_quick_calls_start_one_build(make_app: Any, jenkins: str) -> None:
    app, path = (
        make_app(RETRAIN_URL=jenkins, RETRAIN_TOKEN="t"),
        "/v1/models/yield-prediction/retrain",
    )
    _Jenkins.gate.clear()
    first: list[int] = []
    call = threading.Thread(target=lambda: first.append(Caller(app).post(path, {}).status_code))
    call.start()
    try:
        assert _Jenkins.waiting.wait(20)
        second = Caller(app).post(path, {})
    finally:
        _Jenkins.gate.set()
        call.join()
    assert (first, second.status_code, builds()) == ([202], 409, 1)


def test_a_redirect_gets_no_token(make_app: Any, jenkins: str) -> None:
    _Jenkins.elsewhere = jenkins.replace("127.0.0.1", "localhost") + "/stolen"
    caller = Caller(make_app(RETRAIN_URL=jenkins, RETRAIN_TOKEN="t"))
    answer = caller.post("/v1/models/yield-prediction/retrain", {})
    assert answer.status_code == 502 and "redirects" in answer.json["detail"]
    assert not [path for path, _, _ in _Jenkins.asked if "stolen" in path]


def test_a_dead_jenkins_is_a_502(make_app: Any) -> None:
    caller = Caller(make_app(RETRAIN_URL="http://127.0.0.1:1/job/x", RETRAIN_TOKEN="t"))
    assert caller.post("/v1/models/yield-prediction/retrain", {}).status_code == 502


def test_what_is_no_jenkins_is_a_502(make_app: Any, jenkins: str) -> None:
    caller = Caller(make_app(RETRAIN_URL=jenkins, RETRAIN_TOKEN="t"))
    _Jenkins.page = b"<html>please log in"
    answer = caller.post("/v1/models/yield-prediction/retrain", {})
    assert (answer.status_code, builds()) == (502, 0)
