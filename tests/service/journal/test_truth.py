"""Truth: stored once, corrected with the former kept, refused for what was never predicted."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from service.bundle.contract import Invalid
from service.journal import Journal, Unavailable
from service.journal.errors import JournalError
from service.journal.shipper import ship_once
from service.journal.truth import Entry, Key, Outcome
from service.settings import JournalSettings
from tests.support.service.journal import count, open_journal, query, record_quality, record_yield


@pytest.fixture
def known(journal: Journal, settings: JournalSettings) -> Journal:
    """A journal with two rows of `r1` in the database."""
    record_quality(journal, "r1", rows=2)
    ship_once(settings)
    return journal


def tell(journal: Journal, value: Any, request_id: str = "r1", row: int = 0) -> Outcome:
    return journal.truth("quality", [Entry(request_id, value, row)])


def plain(value: Any) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def test_a_truth_is_stored_and_joins_its_prediction(
    known: Journal, settings: JournalSettings
) -> None:
    assert tell(known, "bad") == Outcome(1, 0, 0, ())
    joined = query(
        settings,
        "SELECT p.label, t.label FROM prediction p JOIN truth t USING (model, request_id, row)",
    )
    assert joined == [("good", "bad")]


def test_the_same_truth_again_changes_nothing(known: Journal, settings: JournalSettings) -> None:
    tell(known, "bad")
    assert tell(known, "bad") == Outcome(0, 1, 0, ())
    assert count(settings, "truth") == 1 and count(settings, "truth_former") == 0


def test_another_truth_replaces_it_and_the_former_is_kept(
    known: Journal, settings: JournalSettings
) -> None:
    tell(known, "bad")
    assert tell(known, "good") == Outcome(0, 0, 1, ())
    [(value, label)] = query(settings, "SELECT value, label FROM truth")
    assert (plain(value), label) == ("good", "good")
    assert [plain(v) for (v,) in query(settings, "SELECT value FROM truth_former")] == ["bad"]


def test_many_truths_go_in_one_call(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal, "r1", rows=1500)
    ship_once(settings)
    entries = [Entry("r1", "good", row) for row in range(1500)]
    assert journal.truth("quality", entries) == Outcome(1500, 0, 0, ())
    mixed = [Entry("r1", "bad", 0), Entry("r1", "good", 1), Entry("none", "bad")]
    assert journal.truth("quality", mixed) == Outcome(0, 1, 1, (Key("none", 0),))


def test_unknown_predictions_are_listed_and_not_stored(
    known: Journal, settings: JournalSettings
) -> None:
    assert tell(known, "bad", "r2").unknown == (Key("r2", 0),)
    assert tell(known, "bad", "r1", 2).unknown == (Key("r1", 2),)
    assert count(settings, "truth") == 0


def test_truth_of_another_model_is_unknown(known: Journal) -> None:
    assert known.truth("yield", [Entry("r1", 1.0)]).unknown == (Key("r1", 0),)


def test_a_prediction_that_is_still_in_the_spool_is_known(
    journal: Journal, settings: JournalSettings
) -> None:
    record_quality(journal, "fresh", rows=2)
    assert tell(journal, "bad", "fresh", 1) == Outcome(1, 0, 0, ())
    assert tell(journal, "bad", "fresh", 2).unknown == (Key("fresh", 2),)
    assert ship_once(settings) == 2
    joined = "SELECT count(*) FROM prediction JOIN truth USING (model, request_id, row)"
    assert query(settings, joined) == [(1,)]


def test_truth_belongs_to_the_shadow_too(journal: Journal, settings: JournalSettings) -> None:
    record_quality(journal, "r1", arm="champion")
    record_quality(journal, "r1", arm="challenger")
    ship_once(settings)
    tell(journal, "good")
    joined = "SELECT p.arm FROM prediction p JOIN truth t USING (model, request_id, row)"
    assert {arm for (arm,) in query(settings, joined)} == {"champion", "challenger"}


def test_numbers_that_are_equal_are_the_same_truth(
    journal: Journal, settings: JournalSettings
) -> None:
    record_yield(journal, "r1")
    journal.truth("yield", [Entry("r1", 3)])
    assert journal.truth("yield", [Entry("r1", 3.0)]).unchanged == 1
    assert query(settings, "SELECT number FROM truth") == [(3.0,)]


@pytest.mark.parametrize(
    ("model", "value", "allowed"),
    [
        ("quality", "ugly", "one of 'bad', 'good'"),
        ("quality", 1, "one of 'bad', 'good'"),
        ("quality", ["bad"], "one of 'bad', 'good'"),
        ("yield", "much", "a finite number"),
        ("yield", True, "a finite number"),
        ("yield", float("nan"), "a finite number"),
        pytest.param("yield", 10**400, "a finite number", id="huge"),
        ("recipe", {"price": 1}, "an object with a finite number for one or more of light, ec"),
        ("recipe", {}, "an object"),
    ],
)
def test_a_value_that_cannot_be_true_says_what_can(
    known: Journal, settings: JournalSettings, model: str, value: Any, allowed: str
) -> None:
    with pytest.raises(Invalid, match=f"row 0, column value: .*allowed: {allowed}"):
        known.truth(model, [Entry("r1", value)])
    # Tables may not even be there: nothing was stored.
    assert count(settings, "truth") == 0


def test_a_negative_row_is_refused(known: Journal) -> None:
    with pytest.raises(Invalid, match="a row's number, from 0"):
        tell(known, "bad", row=-1)


@pytest.mark.parametrize("request_id", ["r\0", "\ud800"])
def test_a_request_id_that_no_database_holds_is_refused(known: Journal, request_id: str) -> None:
    with pytest.raises(Invalid, match="text without null characters or halves"):
        tell(known, "bad", request_id)


def test_truth_of_several_outputs_may_name_some(journal: Journal) -> None:
    with pytest.raises(Invalid):
        journal.truth("recipe", [Entry("r1", {"light": "much"})])
    assert journal.truth("recipe", [Entry("r1", {"light": 2})]).unknown == (Key("r1", 0),)


def test_a_model_that_is_not_served_names_those_that_are(journal: Journal) -> None:
    with pytest.raises(JournalError, match="served are quality, recipe, yield"):
        journal.truth("other", [Entry("r1", 1)])


def test_without_the_database_truth_is_unavailable(settings: JournalSettings) -> None:
    journal = open_journal(replace(settings, url="postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(Unavailable):
        tell(journal, "bad")
    journal.close()


def test_truths_that_race_keep_every_former_one(known: Journal, settings: JournalSettings) -> None:
    tell(known, "bad")

    def flip() -> None:
        for _ in range(10):
            tell(known, "good")
            tell(known, "bad")

    threads = [threading.Thread(target=flip) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = query(settings, "SELECT value FROM truth_former ORDER BY replaced_at, received_at")
    assert {plain(value) for (value,) in values} == {"bad", "good"}
    assert count(settings, "truth") == 1
