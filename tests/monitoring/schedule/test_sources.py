from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from monitoring.schedule.clock import read_moment
from monitoring.schedule.loop import Judge
from monitoring.schedule.service_metrics import (
    ServiceMetrics,
    Unanswered,
    from_prometheus,
    from_service,
)
from monitoring.settings import read_settings
from tests.monitoring.schedule.conftest import Watch
from tests.support import web
from tests.support.machine import free_port
from tests.support.monitoring.traffic import MINUTE, Traffic
from tests.support.service.bundles import YIELD

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
METRICS = """# TYPE swarmline_journal_lag_seconds gauge
swarmline_journal_lag_seconds 7.5
swarmline_traffic_share{arm="champion",model="yield-prediction",version="1"} 0.75
swarmline_traffic_share{arm="challenger",model="yield-prediction",version="2"} 0.25
"""


@pytest.fixture
def answering() -> Iterator[str]:
    """A server that says METRICS at every path: as a service's own /metrics, and as what is no Prometheus."""
    with web.answering(
        lambda request: Response(METRICS, 404 if request.path.startswith("/status/404") else 200)
    ) as address:
        yield address


def test_a_service_says_its_lag_and_the_shares_of_its_arms(answering: str):
    shares = {
        ("yield-prediction", "1", "champion"): 0.75,
        ("yield-prediction", "2", "challenger"): 0.25,
    }
    assert from_service(answering) == ServiceMetrics(7.5, shares)


def test_what_is_no_prometheus_is_said(answering: str):
    with pytest.raises(Unanswered, match="no Prometheus"):
        from_prometheus(answering)
    with pytest.raises(Unanswered, match="does not answer"):
        from_prometheus(f"http://127.0.0.1:{free_port()}")


def test_a_password_in_an_address_is_not_said(answering: str):
    named = answering.replace("http://", "http://someone:hushhush@")
    with pytest.raises(Unanswered) as nonsense:
        from_prometheus(named)
    refused = f"http://someone:hushhush@127.0.0.1:{free_port()}"
    with pytest.raises(Unanswered) as away:
        from_prometheus(refused)
    with pytest.raises(Unanswered) as unwilling:
        from_service(f"{named}/status/404")
    assert "hushhush" not in f"{nonsense.value}{away.value}{unwilling.value}"


def test_the_journals_lag_puts_judging_off(
    make_watch: Callable[[dict[str, str]], Watch], environ: dict[str, str], answering: str
):
    watch = make_watch(environ | {"SERVICE_URL": answering})
    watch.predict(0)
    assert watch.look(1 + 10 / 60) == 0
    assert watch.look(1 + 13 / 60) == 1
    assert watch.store.windows("yield-prediction")[0].traffic_share == 0.75


def test_a_prometheus_that_is_away_is_said_and_nothing_waits_for_it(
    make_watch: Callable[[dict[str, str]], Watch], environ: dict[str, str]
):
    watch = make_watch(environ | {"PROMETHEUS_URL": f"http://127.0.0.1:{free_port()}"})
    watch.predict(0)
    assert watch.look(1.1) == 1
    up, reason = watch.source("prometheus")
    assert not up and "does not answer" in reason


def test_a_clock_that_is_ahead_judges_nothing_too_early():
    moment = read_moment(NOW + 3600 * SECOND, NOW, None, 0.0, 5.0, 900.0)
    assert (moment.now, moment.watermark) == (NOW, NOW - 5 * SECOND)
    assert moment.skew == 3600 and "3600 s ahead of the database's" in moment.reason


def test_a_clock_that_is_behind_is_said():
    moment = read_moment(NOW, NOW + 90 * SECOND, NOW + 89 * SECOND, 2.0, 5.0, 900.0)
    assert (moment.now, moment.watermark) == (NOW, NOW - 7 * SECOND)
    assert moment.skew == -90 and "behind the database's" in moment.reason


def test_predictions_from_the_future_are_said():
    moment = read_moment(NOW, None, NOW + 300 * SECOND, 0.0, 5.0, 900.0)
    assert moment.skew == -300 and "300 s from now" in moment.reason
    assert read_moment(NOW, NOW + SECOND, NOW, 0.0, 5.0, 900.0).reason == ""


def test_a_clock_ahead_of_the_database_waits_for_it_and_says_so(watch: Watch):
    now = dt.datetime.now(dt.UTC)
    watch.traffic.predict(
        now - now.second * SECOND - MINUTE - dt.timedelta(microseconds=now.microsecond), rows=150
    )
    watch.judge.monitor.look(now + 600 * SECOND)
    up, reason = watch.source("clock")
    if watch.settings.journal_url.startswith("sqlite"):
        # A file has this machine's clock: there is none to be held against.
        assert up
    else:
        assert not up and "ahead of the database's" in reason
        assert all(
            window.end <= dt.datetime.now(dt.UTC)
            for window in watch.store.windows("yield-prediction")
        )


def test_a_clock_that_is_right_again_is_said_too(watch: Watch):
    if watch.settings.journal_url.startswith("sqlite"):
        return
    for off in (600, 0):
        watch.judge.monitor.look(dt.datetime.now(dt.UTC) + off * SECOND)
    assert watch.source("clock") == (True, "")


def test_a_journal_before_its_first_prediction_is_no_fault(
    environ: dict[str, str], start: dt.datetime
):
    # As the database is there before a replica has made tables in it.
    url = environ["JOURNAL_URL"]
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    judge = Judge(read_settings(environ))
    try:
        judge.store.prepare()
        assert judge.monitor.look(start) == 0
        (journal,) = [state for state in judge.store.sources() if state.source == "journal"]
        assert journal.up and journal.reason.startswith("there is no prediction yet")
        traffic = Traffic(url, YIELD)
        traffic.predict(start)
        assert judge.monitor.look(start + 1.1 * MINUTE) == 1
        (journal,) = [state for state in judge.store.sources() if state.source == "journal"]
        assert (journal.up, journal.reason) == (True, "")
        traffic.close()
    finally:
        judge.close()
