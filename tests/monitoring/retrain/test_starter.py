"""From a message to a build: both databases, and a stand-in for Jenkins that keeps what it is asked."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator

import pytest

from monitoring.findings import Retrain, Retrains, Store, job_requests
from monitoring.retrain import Starter, Taker
from monitoring.retrain.starter import build_name
from service.jenkins import JenkinsJob
from tests.support.monitoring.retrains import alert, end_alarm, message, serve_model, stand
from tests.support.retrain_job import TOKEN, USER, RetrainJob, retrain_job

DAY = dt.timedelta(days=1)


@pytest.fixture
def jenkins() -> Iterator[RetrainJob]:
    with retrain_job() as job:
        yield job


@pytest.fixture
def noted() -> list[tuple[bool, str]]:
    return []


@pytest.fixture
def starter_of(store: Store, jenkins: RetrainJob, noted) -> Callable[..., Starter]:
    def make() -> Starter:
        def note(up: bool, reason: str) -> None:
            noted.append((up, reason))

        return Starter(store, JenkinsJob(jenkins.url, USER, TOKEN), note)

    return make


@pytest.fixture
def taker(store: Store) -> Taker:
    serve_model(store)
    return Taker(store, DAY)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_requests, "FIRST_WAIT", dt.timedelta())


def only(store: Store) -> Retrain:
    (request,) = Retrains(store.engine).newest()
    return request


def test_while_nothing_waits_jenkins_is_said_to_be_up_at_each_look(starter_of, noted):
    """A killed process may have kept its last word, that Jenkins is down, after this one's first."""
    starter = starter_of()
    starter.work()
    starter.work()
    assert noted == [(True, "")] * 2


def test_an_alert_starts_one_build_with_model_and_reason(taker, store, starter_of, jenkins, noted):
    stand(store)
    (taken,) = taker.take(message())
    starter_of().start_waiting()
    settled = only(store)
    assert jenkins.started == [{"MODEL": "yield", "REASON": build_name(taken)}]
    assert f"InputDrift of yield version 3; request {taken.id} of 20" in build_name(taken)
    assert (settled.outcome, settled.place) == ("started", f"{jenkins.url}/queue/item/1/")
    assert settled.settled_at is not None and noted == [(True, "")]


def test_delivered_again_and_by_another_alertmanager_it_starts_one_build(
    taker, store, starter_of, jenkins
):
    stand(store)
    bodies = [message(), message(groupKey="another's")] * 4
    calls = [threading.Thread(target=taker.take, args=(body,)) for body in bodies]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    for _ in range(2):
        starter_of().start_waiting()
        taker.take(message())
    assert len(jenkins.started) == 1 and only(store).deliveries == len(bodies) + 2


def test_two_monitors_start_what_waits_once(taker, store, starter_of, jenkins):
    stand(store)
    taker.take(message())
    jenkins.gate.clear()
    first = threading.Thread(target=starter_of().start_waiting)
    first.start()
    try:
        assert jenkins.waiting.wait(20)
        starter_of().start_waiting()
    finally:
        jenkins.gate.set()
        first.join()
    assert len(jenkins.started) == 1


def test_jenkins_down_is_said_and_tried_until_it_answers(taker, store, starter_of, jenkins, noted):
    stand(store)
    jenkins.down()
    taker.take(message())
    for _ in range(3):
        starter_of().start_waiting()
    waits = only(store)
    assert (waits.outcome, waits.failures) == ("waiting", 3) and "cannot be reached" in waits.reason
    assert [up for up, _ in noted] == [False] * 3 and "is tried again" in noted[0][1]
    jenkins.up()
    # Another process, as after a restart.
    starter_of().start_waiting()
    assert (
        only(store).outcome == "started" and len(jenkins.started) == 1 and noted[-1] == (True, "")
    )


def test_a_start_whose_answer_was_lost_is_found_and_not_made_twice(
    taker, store, starter_of, jenkins
):
    stand(store)
    taker.take(message())
    jenkins.loses_answers = True
    starter_of().start_waiting()
    assert only(store).outcome == "waiting" and len(jenkins.started) == 1
    # By now it has begun.
    jenkins.build(**jenkins.queue.pop())
    starter_of().start_waiting()
    assert only(store).outcome == "started" and only(store).place == f"{jenkins.url}/1/"
    assert len(jenkins.started) == 1


@pytest.mark.parametrize("models", ["yield", "grade yield", ""])
def test_a_training_that_runs_already_is_the_retraining(
    taker, store, starter_of, jenkins, models: str
):
    stand(store)
    taker.take(message())
    jenkins.build(MODEL=models, REASON="scheduled")
    starter_of().start_waiting()
    joined = only(store)
    assert (joined.outcome, joined.place) == ("joined", f"{jenkins.url}/1/")
    assert "runs already, for: scheduled" in joined.reason and not jenkins.started


def test_a_training_that_is_queued_already_is_the_retraining(taker, store, starter_of, jenkins):
    stand(store)
    taker.take(message())
    jenkins.queue.append({"MODEL": "yield", "REASON": "by hand = today"})
    starter_of().start_waiting()
    assert only(store).outcome == "joined" and not jenkins.started
    assert only(store).reason.endswith("is queued already, for: by hand = today")


def test_a_training_of_another_model_holds_nothing_up(taker, store, starter_of, jenkins):
    stand(store)
    taker.take(message())
    jenkins.build(MODEL="grade", REASON="scheduled")
    jenkins.build(building=False, MODEL="yield", REASON="last week")
    starter_of().start_waiting()
    assert only(store).outcome == "started" and len(jenkins.started) == 1


def test_an_alarm_that_ends_while_jenkins_is_down_starts_nothing(
    taker, store, starter_of, jenkins, noted
):
    standing = stand(store)
    jenkins.down()
    taker.take(message())
    starter_of().start_waiting()
    end_alarm(store, standing)
    jenkins.up()
    starter_of().start_waiting()
    assert only(store).outcome == "ended" and not jenkins.started
    assert [up for up, _ in noted] == [False, True]


def test_what_jenkins_refuses_waits_with_its_sentence(taker, store, starter_of, jenkins, noted):
    """tests/service/views/test_retrain.py has each refusal."""
    stand(store)
    taker.take(message())
    jenkins.rights.discard("build")
    starter_of().start_waiting()
    words = "needs Job/Read and Job/Build"
    assert only(store).outcome == "waiting" and words in only(store).reason
    assert words in noted[0][1] and not noted[0][0]


def test_the_challengers_alarm_alone_starts_nothing(taker, store, starter_of, jenkins):
    stand(store, arm="challenger", version="4")
    (refused,) = taker.take(message())
    starter_of().start_waiting()
    assert refused.outcome == "refused" and "of the challenger alone" in refused.reason
    assert not jenkins.started


def test_a_model_of_which_nothing_was_judged_for_a_month_is_not_served(store):
    serve_model(store, age=dt.timedelta(days=40))
    stand(store)
    (refused,) = Taker(store, DAY).take(message())
    assert refused.outcome == "refused"


def test_a_version_that_retraining_brought_is_cooled_down_by_the_model(taker, store, starter_of):
    standing = stand(store)
    taker.take(message())
    starter_of().start_waiting()
    end_alarm(store, standing)
    serve_model(store, version="4")
    stand(store, version="4")
    later = alert(startsAt="2026-11-26T06:00:00Z")
    (refused,) = taker.take(message(later))
    assert refused.outcome == "cool-down" and refused.version == "4"
    assert "or sooner" not in refused.reason
