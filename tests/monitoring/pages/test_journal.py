"""What the pages ask the journal, of both kinds of database."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from monitoring.pages.outside.journal import JournalLookup
from service.journal.database.connection import connect
from service.journal.errors import Unavailable
from tests.support.monitoring.site import TRACE, fill_journal
from tests.support.service.bundles import QUALITY

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def journal(database: str):
    fill_journal(database, NOW, count=3)
    lookup = JournalLookup(database)
    yield lookup
    lookup.close()


def test_a_prediction_is_found_by_each_of_its_ids(journal: JournalLookup):
    for identity in ("01j00000-0", "request-0", TRACE, TRACE.upper()):
        (row,) = journal.predictions(identity)
        assert (row["request_id"], row["prediction"], row["trace_id"]) == ("request-0", "B", TRACE)
        assert (
            row["at"].tzinfo is not None
            and row["features"]["crop"] in QUALITY.columns[3].categories
        )
    assert journal.predictions("request-9") == [] == journal.predictions("f" * 32)


def test_the_truth_comes_with_what_was_believed_before(journal: JournalLookup):
    (row,) = journal.predictions("request-0")
    newest, former = journal.truths(row)
    assert (newest["value"], newest["replaced_at"], former["value"]) == ("A", None, "C")
    assert former["replaced_at"].tzinfo is not None
    assert journal.truths(row | {"request_id": "request-1"}) == []


def test_the_newest_prediction_of_a_model_says_when_it_was(journal: JournalLookup):
    newest = journal.newest(QUALITY.model)
    assert newest == NOW.replace(microsecond=0) - dt.timedelta(seconds=130)
    assert journal.newest("none") is None


def test_an_id_is_a_value_and_no_part_of_a_statement(journal: JournalLookup):
    assert journal.predictions("x' OR '1'='1") == []


def test_a_journal_that_waits_for_its_migration_has_no_traces(
    journal: JournalLookup, database: str
):
    engine = connect(database)
    with engine.begin() as connection:
        for index in ("prediction_trace_id",):
            connection.execute(sa.text(f"DROP INDEX {index}"))
        connection.execute(sa.text("ALTER TABLE prediction DROP COLUMN trace_id"))
    engine.dispose()
    assert len(journal.predictions("request-0")) == 1 and journal.predictions(TRACE) == []


def test_a_journal_that_is_away_is_said_to_be():
    with pytest.raises(Unavailable):
        JournalLookup("sqlite:////nowhere/journal.db").newest("any")
