"""What was deployed can be found again: by name, start, number or digest; and one step back means what people mean."""

from __future__ import annotations

import pytest

from scripts.command.outcome import Refused
from scripts.engine.secrets_and_configs import Stored
from scripts.ledger.records import choose, from_text, previous, serving, to_text
from scripts.operate.prune import split, unneeded_images, unneeded_secrets
from tests.support.scripts.views import record

HISTORY = [record(3, "cccc"), record(2, "bbbb"), record(1, "aaaa")]


def test_a_record_comes_back_as_it_was_stored():
    assert from_text(to_text(HISTORY[0])) == HISTORY[0]


@pytest.mark.parametrize("wanted", ["aaaa", "1", HISTORY[2].image, HISTORY[2].image.split("@")[1]])
def test_a_release_is_found_by_each_of_its_names(wanted: str):
    assert choose(HISTORY, wanted) is HISTORY[2]


def test_an_unknown_release_names_those_there_are():
    with pytest.raises(Refused, match="no release zzzz to go back to; there are cccc, bbbb, aaaa"):
        choose(HISTORY, "zzzz")


def test_what_was_not_verified_is_nothing_to_go_back_to():
    failed = record(4, "dddd", outcome="rolled back", inputs=None)
    assert serving([failed, *HISTORY]) is HISTORY[0]
    with pytest.raises(Refused):
        choose([failed, *HISTORY], "dddd")


def test_one_step_back_after_one_step_back_goes_further_back():
    back = record(4, "bbbb", kind="rollback")
    assert previous(HISTORY).release == "bbbb"
    assert previous([back, *HISTORY]).release == "aaaa"


def test_other_settings_of_the_same_release_are_no_step():
    assert previous([record(4, "cccc", kind="traffic"), *HISTORY]).release == "bbbb"


def test_without_a_release_before_there_is_none_to_go_back_to():
    with pytest.raises(Refused, match="no release before"):
        previous(HISTORY[2:])


def test_the_newest_records_are_kept_of_what_was_verified_and_of_what_was_not():
    failed = [record(number, "ffff", outcome="rolled back", inputs=None) for number in (6, 5)]
    to_keep, to_forget = split([*failed, *HISTORY], 1)
    assert [record.number for record in to_keep] == [3, 6]
    assert sorted(record.number for record in to_forget) == [1, 2, 5]


def test_the_current_secret_and_the_one_before_are_kept():
    there = [Stored(f"s_{number}", "keys", f"2026-01-0{number}") for number in (1, 2, 3)]
    assert unneeded_secrets(there, ["s_3"]) == ["s_1"]


def test_images_of_other_repositories_are_left_alone():
    there = [
        {"Repository": "r/model", "Digest": "sha256:" + "1" * 64},
        {"Repository": "r/model", "Digest": HISTORY[0].image.split("@")[1]},
        {"Repository": "r/other", "Digest": "sha256:" + "2" * 64},
        {"Repository": "r/model", "Digest": "<none>"},
    ]
    assert unneeded_images(HISTORY, there) == ["r/model@sha256:" + "1" * 64]
