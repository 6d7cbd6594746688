"""Experiments in the loop: which run, by what the service says or the journal has, and when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitoring.experiment.kept import find_experiment
from monitoring.experiment.values import Experiment
from monitoring.findings import Experiments
from monitoring.schedule.service_metrics import from_prometheus
from tests.monitoring.schedule.conftest import Watch
from tests.support.machine import wait_until
from tests.support.monitored_site import prometheus
from tests.support.monitoring.experiment import MODEL, Behaviour, ExperimentJournal
from tests.support.web import scraped

MakeWatch = Callable[[dict[str, str]], Watch]
SHARE = 'swarmline_traffic_share{{arm="{}",model="{}",version="{}"}} {}\n'
COUNT = 'swarmline_model_requests_total{{arm="{}",model="{}",outcome="{}",version="{}"}} {}\n'


class Service:
    """Says `text` as its metrics."""

    def __init__(self) -> None:
        self.text, self.address = "", ""

    def metrics(self) -> bytes:
        return self.text.encode()

    def serve(self, share: float | None, failed: int = 0, requests: int = 1000) -> None:
        """Both arms have had so many requests; without a share there is the champion alone."""
        self.text = SHARE.format("champion", MODEL, "1", 1 - (share or 0))
        self.text += COUNT.format("champion", MODEL, "answered", "1", requests)
        self.text += COUNT.format("", MODEL, "refused", "", 7)
        if share is not None:
            self.text += SHARE.format("challenger", MODEL, "2", share)
            self.text += COUNT.format("challenger", MODEL, "answered", "2", requests - failed)
            self.text += COUNT.format("challenger", MODEL, "failed", "2", failed)


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    with scraped(service.metrics) as service.address:
        yield service


@pytest.fixture
def journal(environ: dict[str, str]) -> Iterator[ExperimentJournal]:
    journal = ExperimentJournal(environ["JOURNAL_URL"])
    yield journal
    journal.close()


def experiment(watch: Watch) -> Experiment:
    return find_experiment(watch.store, MODEL)


def test_a_challenger_with_callers_is_looked_at_before_one_without(
    make_watch: MakeWatch,
    environ: dict[str, str],
    service: Service,
    journal: ExperimentJournal,
    capfd: pytest.CaptureFixture[str],
):
    watch = make_watch(environ | {"SERVICE_URL": f"http://{service.address}"})
    first = ExperimentJournal(environ["JOURNAL_URL"], "a-model")
    first.split(watch.at(0), 40, 0.5)
    first.close()
    journal.split(watch.at(0), 40, 0.5)
    service.serve(0.5)
    with_callers = service.text
    service.serve(0.0)
    service.text = with_callers + service.text.replace(MODEL, "a-model")
    watch.look(1.5)
    lines = [line for line in capfd.readouterr().out.splitlines() if "experiment-verdict" in line]
    assert [MODEL in line for line in lines] == [True, False], lines


def test_a_challenger_that_fails_is_said_to_be_worse_at_the_next_look(
    make_watch: MakeWatch, environ: dict[str, str], service: Service, journal: ExperimentJournal
):
    watch = make_watch(environ | {"SERVICE_URL": f"http://{service.address}"})
    journal.split(watch.at(0), 400, 0.5)
    service.serve(0.5)
    watch.look(1.5)
    before = experiment(watch)
    assert (before.verdict, before.share) == ("undecided", 0.5)
    assert before.quality.challenger.rows > 150 and before.complete_to < before.judged_at
    service.serve(0.5, failed=30, requests=1150)
    watch.look(2)
    after = experiment(watch)
    assert after.verdict == "worse" and after.stop and after.ended_at is None
    assert after.errors.challenger.events == 30
    assert watch.source("judging") == (True, "")


def test_it_ends_when_there_is_no_challenger_any_more(
    make_watch: MakeWatch, environ: dict[str, str], service: Service, journal: ExperimentJournal
):
    watch = make_watch(environ | {"SERVICE_URL": f"http://{service.address}"})
    journal.split(watch.at(0), 100, 0.5)
    for share, minute in ((0.5, 1.5), (None, 2)):
        service.serve(share)
        watch.look(minute)
    assert experiment(watch).ended_at == watch.at(2)
    # With the same pair it goes on.
    service.serve(0.5)
    watch.look(3)
    assert experiment(watch).ended_at is None


def test_without_a_service_the_journal_says_who_predicts(
    make_watch: MakeWatch, environ: dict[str, str], journal: ExperimentJournal
):
    watch = make_watch(environ)
    journal.split(watch.at(0), 1500, 0.5, Behaviour(0.3), Behaviour(0.1))
    watch.look(2)
    assert experiment(watch).verdict == "better" and experiment(watch).share is None
    assert "has served nothing" in experiment(watch).errors.reason
    watch.look(100)
    assert experiment(watch).ended_at == watch.at(100)


def test_an_experiment_that_cannot_be_judged_keeps_no_window_from_it(
    make_watch: MakeWatch,
    environ: dict[str, str],
    journal: ExperimentJournal,
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("of a test")

    watch = make_watch(environ)
    journal.split(watch.at(0), 200, 0.5)
    watch.predict(0)
    monkeypatch.setattr("monitoring.experiment.looks.judge", fail)
    # One of the model of the experiment for each arm, one of another model.
    assert watch.look(1.5) == 3
    up, reason = watch.source("judging")
    assert not up and reason == f"experiment of {MODEL}: ZeroDivisionError: of a test"
    monkeypatch.undo()
    watch.look(2)
    assert watch.source("judging") == (True, "")
    assert experiment(watch).verdict == "undecided"


def test_a_monitor_that_starts_again_goes_on_from_what_is_kept(
    make_watch: MakeWatch, environ: dict[str, str], service: Service, journal: ExperimentJournal
):
    environ |= {"SERVICE_URL": f"http://{service.address}"}
    journal.split(make_watch(environ).at(0), 200, 0.5)
    for failed, minute in ((0, 1.5), (3, 2.0), (6, 2.5)):
        service.serve(0.5, failed, requests=1000 + 10 * failed)
        make_watch(environ).look(minute)
    last = experiment(make_watch(environ))
    assert last.errors.challenger.events == 6 and last.errors.challenger.units == 1060


def test_old_experiments_go_with_old_windows(watch: Watch, journal: ExperimentJournal):
    journal.split(watch.at(0), 200, 0.5)
    watch.look(1.5)
    kept = Experiments(watch.store)
    kept.expire(watch.at(1000))
    kept.end(kept.newest()[0], watch.at(5))
    kept.expire(watch.at(1000))
    assert not kept.newest()


@pytest.mark.slow
def test_a_real_prometheus_says_the_same_of_each_replica(tmp_path: Path, service: Service):
    service.serve(0.25, failed=20)
    targets = {"model": service.address, "alertmanager": "127.0.0.1:9"}
    with prometheus(tmp_path, targets) as started:
        metrics = wait_until(
            lambda: (now := from_prometheus(started.url)).requests and now.shares and now,
            "a scrape",
            60,
        )
    [(_, by_arm)] = metrics.requests.items()
    assert by_arm == {
        (MODEL, "1", "champion"): (1000.0, 0.0),
        (MODEL, "2", "challenger"): (980.0, 20.0),
    }
    assert metrics.shares[MODEL, "2", "challenger"] == 0.25 and not metrics.unsettled
