"""The ledger on a real MLflow server: read as scripts/ledger writes it, and said to be away when it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.pages import Ledger
from monitoring.pages.outside import ledger as module
from monitoring.references import TrackingServer
from scripts.ledger import releases, tracking
from tests.support.scripts.views import record
from tests.support.training import tracking_server


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    """Of an MLflow in which two releases are."""
    from mlflow import MlflowClient

    with (
        tempfile.TemporaryDirectory(prefix="mlflow-") as name,
        tracking_server(Path(name)) as (address, _),
    ):
        client = MlflowClient(address, address)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", address)
            experiment = tracking.experiment(client, releases.EXPERIMENT)
        for release in (record(1, "aaaa"), record(2, "bbbb", outcome="rolled back", inputs=None)):
            releases._write(client, experiment, "swarmline", release)
        yield address


@pytest.mark.slow
def test_releases_are_shown_as_they_were_written(uri: str):
    ledger = Ledger(TrackingServer(uri))
    answer = ledger.releases()
    of_one = record(1, "aaaa")
    assert not answer.fault
    assert [
        (release.name, release.outcome, release.mood.name) for release in sorted(answer.releases)
    ] == [
        ("aaaa", "verified", "good"),
        ("bbbb", "rolled back", "bad"),
    ]
    first = min(answer.releases)
    assert (first.by, first.why, first.stack) == (of_one.by, of_one.why or "", "swarmline")
    assert first.at.isoformat()[:19] == of_one.at[:19]
    assert ledger.document("aaaa") == dict(of_one.document)
    assert ledger.document("none") == {}


@pytest.mark.slow
def test_what_was_read_stays_for_half_a_minute_and_a_name_is_no_part_of_a_filter(
    uri: str, monkeypatch: pytest.MonkeyPatch
):
    ledger = Ledger(TrackingServer(uri))
    answer = ledger.releases()
    assert ledger.releases() is answer
    monkeypatch.setattr(module, "_document", lambda *_: pytest.fail("it was asked"))
    assert ledger.document("x' or tags.a = '") == {}


def test_an_mlflow_that_is_away_is_said_without_its_address():
    answer = Ledger(TrackingServer("http://someone:hunter2@127.0.0.1:9")).releases()
    assert answer.fault == "MLflow does not answer." and answer.releases == ()
    assert "no MLflow" in Ledger(TrackingServer("")).releases().fault
