"""Retraining on request: by a command, and by Jenkins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.retrain_job import PASSWORD, TOKEN, RetrainJob, retrain_job
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


PATH = "/v1/models/yield-prediction/retrain"


@pytest.fixture
def jenkins() -> Iterator[RetrainJob]:
    with retrain_job() as job:
        yield job


@pytest.fixture
def caller_of(make_app: Any, jenkins: RetrainJob) -> Callable[..., Caller]:
    """Calls a service that is set up for Jenkins."""

    def call(**settings: str) -> Caller:
        return Caller(make_app(**{"RETRAIN_URL": jenkins.url, "RETRAIN_TOKEN": TOKEN, **settings}))

    return call


def test_the_jenkins_job_is_started_unless_it_runs(caller_of, jenkins: RetrainJob) -> None:
    caller = caller_of()
    assert caller.post(PATH, {}).json["where"] == f"{jenkins.url}/queue/item/1/"
    (parameters,) = jenkins.started
    assert parameters["MODEL"] == "yield-prediction" and parameters["REASON"].startswith("request ")
    refused = caller.post(PATH, {})
    assert refused.status_code == 409 and "queued already" in refused.json["detail"]
    jenkins.queue.clear()
    jenkins.build(MODEL="grade")
    assert f"{jenkins.url}/1/" in caller.post(PATH, {}).json["detail"]
    assert len(jenkins.started) == 1


def test_two_quick_calls_start_one_build(caller_of, jenkins: RetrainJob) -> None:
    caller, first = caller_of(), list[int]()
    jenkins.gate.clear()
    call = threading.Thread(target=lambda: first.append(caller.post(PATH, {}).status_code))
    call.start()
    try:
        assert jenkins.waiting.wait(20)
        second = caller.post(PATH, {})
    finally:
        jenkins.gate.set()
        call.join()
    assert (first, second.status_code, len(jenkins.started)) == ([202], 409, 1)


def test_a_redirect_gets_no_token(caller_of, jenkins: RetrainJob) -> None:
    jenkins.elsewhere = jenkins.url.replace("127.0.0.1", "localhost") + "/stolen"
    answer = caller_of().post(PATH, {})
    assert answer.status_code == 502 and "redirects" in answer.json["detail"]
    assert not [asked for asked in jenkins.asked if "stolen" in asked]


def test_a_dead_jenkins_is_a_502(caller_of) -> None:
    answer = caller_of(RETRAIN_URL="http://127.0.0.1:1/job/x").post(PATH, {})
    assert answer.status_code == 502 and "cannot be reached" in answer.json["detail"]


def _without(right: str) -> Callable[[RetrainJob], None]:
    return lambda job: job.rights.discard(right)


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        (lambda job: setattr(job, "page", b"<html>please log in"), {}, "no Jenkins job"),
        (lambda job: None, {"RETRAIN_TOKEN": "other"}, "does not know user retrain"),
        (lambda job: None, {"RETRAIN_TOKEN": PASSWORD}, "crumb"),
        (_without("read"), {}, "no such job (404)"),
        (_without("build"), {}, "needs Job/Read and Job/Build"),
        (lambda job: setattr(job, "disabled", True), {}, "disabled"),
    ],
)
def test_each_refusal_of_jenkins_is_a_sentence(
    caller_of, jenkins: RetrainJob, change: Any, settings: dict[str, str], words: str
) -> None:
    change(jenkins)
    answer = caller_of(**settings).post(PATH, {})
    assert answer.status_code == 502 and words in answer.json["detail"]
    assert not jenkins.started and TOKEN not in answer.text


def test_a_stack_whose_token_says_none_serves_and_says_so(caller_of) -> None:
    answer = caller_of(RETRAIN_TOKEN="none").post(PATH, {})
    assert answer.status_code == 404 and "RETRAIN_TOKEN says none" in answer.json["detail"]
