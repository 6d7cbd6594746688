"""From a load to a build: both databases, and a stand-in for Jenkins that keeps what it is asked."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator

import pytest

from monitoring.findings import Scaling, Scalings, Store, job_requests
from monitoring.scale import Bounds, Rules, Scaler
from monitoring.scale import scaler as module
from monitoring.scale.capacity import Load, Unmeasured
from monitoring.scale.scaler import build_name
from service.jenkins import JenkinsJob
from tests.support.retrain_job import TOKEN, USER, RetrainJob, retrain_job

RULES = Rules(Bounds(1, 6), dt.timedelta(minutes=10), dt.timedelta(hours=1))
CALM, BUSY = Load(0.1, 0.1, 0.1, 0.5, 2), Load(0.9, 0.9, 0.1, 0.5, 2)


@pytest.fixture
def jenkins() -> Iterator[RetrainJob]:
    with retrain_job("scale") as job:
        yield job


@pytest.fixture
def noted() -> list[tuple[bool, str]]:
    return []


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Load]:
    """What Prometheus says; none where it is away."""
    said: list[Load] = [BUSY]

    def measure(*_: object) -> Load:
        if not said:
            raise Unmeasured("Prometheus does not answer")
        return said[0]

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(job_requests, "FIRST_WAIT", dt.timedelta())
    return said


@pytest.fixture
def scaler_of(store: Store, jenkins: RetrainJob, noted, loads) -> Callable[..., Scaler]:
    def make(is_on: bool = True) -> Scaler:
        def note(up: bool, reason: str) -> None:
            noted.append((up, reason))

        job = JenkinsJob(jenkins.url, USER, TOKEN, name="scale") if is_on else None
        return Scaler(store, "http://prometheus", RULES, job, note)

    return make


def only(store: Store) -> Scaling:
    (scaling,) = Scalings(store.engine).newest()
    return scaling


def test_a_load_that_needs_more_starts_one_build_that_says_how_many_and_why(
    scaler_of, store, jenkins, noted
):
    scaler_of().work()
    scaling = only(store)
    why = f"0.9 cores are used of 1: 3 replicas are needed; {build_name(scaling)}"
    assert jenkins.started == [{"REPLICAS": "3", "REASON": why}]
    assert (scaling.outcome, scaling.first, scaling.last) == ("started", 2, 3)
    assert scaling.place == f"{jenkins.url}/queue/item/1/" and noted[-1] == (True, "")


def test_off_it_measures_and_asks_nobody(scaler_of, store, jenkins):
    scaler_of(is_on=False).work()
    capacity = Scalings(store.engine).capacity()
    assert capacity is not None and (capacity.needed, capacity.ordered) == (3, 2)
    assert not jenkins.asked and not Scalings(store.engine).newest()


def test_what_is_needed_is_said_within_the_bounds_and_without(scaler_of, store, loads):
    loads[:] = [BUSY._replace(busiest=9.0)]
    scaler_of(is_on=False).work()
    capacity = Scalings(store.engine).capacity()
    assert capacity is not None and (capacity.needed, capacity.unbounded) == (6, 28)


def test_a_load_that_stays_starts_no_second_one_also_after_a_start_of_the_monitor(
    scaler_of, jenkins
):
    for _ in range(3):
        scaler_of().work()
    assert len(jenkins.started) == 1


def test_without_prometheus_nothing_is_ordered(scaler_of, store, jenkins, loads):
    loads.clear()
    scaler_of().work()
    assert not jenkins.asked and Scalings(store.engine).capacity() is None


def test_two_monitors_order_once(scaler_of, store, jenkins):
    jenkins.gate.clear()
    threads = [threading.Thread(target=scaler_of().work) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert jenkins.waiting.wait(20)
    jenkins.gate.set()
    for thread in threads:
        thread.join()
    assert len(jenkins.started) == 1 and only(store).outcome == "started"


def test_one_that_ended_before_it_heard_the_answer_starts_no_second_one(
    scaler_of, store, jenkins, monkeypatch
):
    monkeypatch.setattr(job_requests, "LEASE", dt.timedelta())
    jenkins.loses_answers = True
    scaler_of().work()
    assert only(store).outcome == "waiting" and len(jenkins.started) == 1
    jenkins.loses_answers = False
    # The load went on rising: the build that was started says 3 all the same.
    scaler_of().work()
    assert only(store).outcome == "started" and len(jenkins.started) == 1


def test_with_jenkins_down_it_says_so_and_tries_again_until_it_is_up(
    scaler_of, store, jenkins, noted, loads
):
    jenkins.down()
    scaler = scaler_of()
    for _ in range(3):
        scaler.work()
    assert only(store).failures == 3
    up, reason = noted[-1]
    assert not up and reason.startswith("the scale job cannot be reached")
    assert "3 replicas are needed, and it is tried again" in reason
    # What is needed by then counts.
    loads[:] = [BUSY._replace(lately=1.5)]
    jenkins.up()
    scaler.work()
    assert jenkins.started[0]["REPLICAS"] == "5" and noted[-1] == (True, "")
    assert (only(store).outcome, only(store).last) == ("started", 5)


def test_each_failure_waits_longer(scaler_of, store, jenkins, monkeypatch):
    monkeypatch.setattr(job_requests, "FIRST_WAIT", dt.timedelta(seconds=5))
    jenkins.down()
    scaler = scaler_of()
    scaler.work()
    first = only(store)
    assert first.next_at is not None
    assert first.next_at - first.asked_at >= dt.timedelta(seconds=5)
    scaler.work()
    assert only(store).failures == 1


def test_an_order_that_nobody_needs_any_more_is_not_started(scaler_of, store, jenkins, loads):
    jenkins.down()
    scaler_of().work()
    jenkins.up()
    loads[:] = [CALM._replace(quiet=None)]
    scaler_of().work()
    assert only(store).outcome == "ended" and not jenkins.started


def test_a_change_that_a_person_started_is_waited_for(scaler_of, store, jenkins):
    jenkins.build(REPLICAS="4", REASON="harvest")
    scaler_of().work()
    waiting = only(store)
    assert waiting.outcome == "waiting" and not jenkins.started and waiting.failures == 0
    assert waiting.reason == "another change of replicas is under way"


def test_a_job_that_it_may_not_start_is_said_in_a_sentence(scaler_of, jenkins, noted):
    jenkins.rights = {"read"}
    scaler_of().work()
    assert "user retrain needs Job/Read and Job/Build on the scale job" in noted[-1][1]
