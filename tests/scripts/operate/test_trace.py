"""What is known of a prediction's release and version is put beside it; what is not known is no guess."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from outside.values import IDENTITY
from scripts.operate.trace import explain, from_address, script_of
from service.journal.database.connection import connect
from service.journal.shipper import ship_once
from service.settings import JournalSettings
from tests.support.postgres import Cluster, empty, running_cluster
from tests.support.service.journal import open_journal, query, record_yield, settings_for

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

ROW = {"model": "late", "version": "3", "release": "r1", "arm": "challenger"}
ARMS = {
    "champion": {"version": "2", "run_id": "old", "data_fingerprint": "f2", "commit": "c2"},
    "challenger": {"version": 3, "run_id": "new", "data_fingerprint": "f3", "commit": "c3"},
}


def test_the_version_leads_to_its_own_run_and_data():
    explained = explain(ROW, {"r1": {"commit": "code", "models": {"late": ARMS}}})
    assert (explained["run_id"], explained["data_fingerprint"], explained["model_commit"]) == (
        "new",
        "f3",
        "c3",
    )
    assert explained["service_commit"] == "code"


def test_a_release_that_no_record_knows_leaves_the_rest_unknown():
    explained = explain(ROW, {})
    assert (explained["version"], explained["run_id"], explained["service_commit"]) == (
        "3",
        None,
        None,
    )


def test_no_id_can_say_more_than_an_id():
    assert not any(
        re.fullmatch(IDENTITY.pattern, word)
        for word in ("a b", "a'b", "$(id)", "a\nb", "", "x" * 129)
    )
    assert re.fullmatch(IDENTITY.pattern, "0660bd30d9adf217319625a4-ef0-0")


@pytest.fixture(scope="module", name="cluster")
def _cluster() -> Iterator[Cluster]:
    with running_cluster() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_of_two(request: pytest.FixtureRequest, tmp_path: Path) -> JournalSettings:
    """A journal with two predictions: r1, of a trace, and r2."""
    settings = settings_for(tmp_path)
    if request.param == "postgresql":
        settings = settings_for(tmp_path, url=empty(request.getfixturevalue("cluster").url))
    worker = open_journal(settings)
    record_yield(worker, "r1", trace_id=TRACE)
    record_yield(worker, "r2")
    worker.close()
    ship_once(settings)
    return settings


def query_all(settings: JournalSettings, *statements: str) -> None:
    engine = connect(settings.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def by_psql(url: str, identity: str, folder: Path) -> list[str]:
    """As the job in the Swarm asks."""
    (folder / "url").write_text(url)
    script = script_of(identity).replace("/run/secrets/url", str(folder / "url"))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return [json.loads(line)["request_id"] for line in done.stdout.splitlines()]


def test_a_prediction_is_known_by_its_own_its_requests_and_its_traces_id(
    journal_of_two: JournalSettings, tmp_path: Path
) -> None:
    url = journal_of_two.url
    [(own,)] = query(journal_of_two, "SELECT prediction_id FROM prediction WHERE request_id = 'r1'")
    for identity, expected in ((own, ["r1"]), ("r2", ["r2"]), (TRACE, ["r1"]), ("nothing", [])):
        assert [row["request_id"] for row in from_address(url, identity)] == expected
        if url.startswith("postgresql"):
            assert by_psql(url, identity, tmp_path) == expected


def test_a_journal_from_before_there_were_traces_is_asked_as_before(
    journal_of_two: JournalSettings, tmp_path: Path
) -> None:
    query_all(
        journal_of_two,
        "DROP INDEX prediction_trace_id",
        "ALTER TABLE prediction DROP COLUMN trace_id",
        "DELETE FROM journal_migration WHERE version = 2",
    )
    assert [row["request_id"] for row in from_address(journal_of_two.url, "r1")] == ["r1"]
    assert not from_address(journal_of_two.url, TRACE)
    if journal_of_two.url.startswith("postgresql"):
        assert by_psql(journal_of_two.url, "r1", tmp_path) == ["r1"]
        assert not by_psql(journal_of_two.url, TRACE, tmp_path)
