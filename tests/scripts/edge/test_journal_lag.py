"""How far journals are behind, read from what the service itself tells Prometheus."""

from __future__ import annotations

from types import SimpleNamespace

import prometheus_client

from scripts.edge.journal_lag import Journal, parse, problems, unshipped, warnings
from service.process.metrics import Live
from service.views.health import journal_gauges


def metrics(lag: float, spool: int, last_loss: float = 0.0, **dropped: int) -> str:
    """A replica's metrics, in the service's own words."""
    stats = SimpleNamespace(
        lag=lag, spool_bytes=spool, shipped=7, dropped=dropped, last_loss=last_loss
    )
    journal = SimpleNamespace(stats=lambda: stats)
    registry = prometheus_client.CollectorRegistry()
    registry.register(Live(journal_gauges(journal)))  # type: ignore[arg-type]
    return prometheus_client.generate_latest(registry).decode()


def test_lag_spool_and_losses_are_parse():
    read_back = parse(metrics(12.5, 3_000_000, last_loss=1e9, shed=2, damaged=1, expired=40))
    assert read_back == Journal(12.5, 3_000_000, 3, 1e9)


def test_a_replica_without_a_journal_tells_nothing():
    assert parse("# HELP other\nother 1.0\n") is None


def test_what_is_zero_is_not_said():
    assert str(parse(metrics(0.4, 0))) == "journal 0 s behind"
    assert str(Journal(61, 3_000_000, 3)) == (
        "journal 61 s behind, 3.0 MB spooled, 3 predictions lost to it"
    )


def test_a_journal_that_is_long_behind_is_warned_of():
    read_back = list(
        warnings({"10.0.1.5": Journal(61, 3_000_000, 0), "10.0.1.6": Journal(2, 10, 0)})
    )
    assert len(read_back) == 1
    assert "journal of replica 10.0.1.5 is 61 s behind, 3.0 MB wait in its spool" in read_back[0]


def test_predictions_that_were_lost_today_are_a_problem():
    read_back = list(problems({"10.0.1.5": Journal(0, 0, 230, 1_800_000_000.0)}, 1_800_003_600.0))
    assert read_back == [
        "the journal of replica 10.0.1.5 has lost 230 predictions, the last at 2027-01-15 08:00 UTC;"
        " the replica's log says which and why"
    ]


def test_a_loss_of_last_week_is_no_problem_of_today():
    assert not list(problems({"10.0.1.5": Journal(0, 0, 230, 1e9)}, 1e9 + 7 * 86_400))


def test_a_release_that_does_not_tell_when_it_lost_is_a_problem():
    text = metrics(0, 0, damaged=10).replace("last_loss_timestamp_seconds", "other")
    journal = parse(text)
    assert journal and list(problems({"a": journal}, journal.last_loss))


def test_a_journal_lacks_what_is_older_than_the_moment_that_is_asked_about():
    journals = {"10.0.1.5": Journal(0.4, 0, 0), "10.0.1.6": Journal(9, 3000, 0)}
    assert unshipped(journals, 5.0) == "the journal of replica 10.0.1.6 is 9 s behind"
    # What came later is no concern of this moment; and of no age is what has only just come.
    assert not unshipped(journals, 10.0) and not unshipped({"10.0.1.5": Journal(0.4, 0, 0)}, 0.0)
