"""A release that came by `docker stack deploy` is known for what it is."""

from __future__ import annotations

import pytest

from scripts import unrecorded
from scripts.left import by
from scripts.outcome import Refused
from scripts.records import current, previous
from tests.scripts.views import GOOD, record, service, view

BY_HAND = view(service(labels={"swarmline.given": "EDGE_PORT=8443; MODEL_REPLICAS="}))
OURS = view(service(labels={"swarmline.release": "aaaa"}))


def test_what_our_deploy_labelled_has_a_record_and_all_else_has_none():
    assert unrecorded.image(BY_HAND, "shop") == GOOD
    assert unrecorded.image(OURS, "shop") == ""
    assert unrecorded.image(BY_HAND, "other") == ""


def test_its_settings_stand_on_its_services():
    assert unrecorded.given(BY_HAND, "shop") == {"EDGE_PORT": "8443"}


def test_traffic_is_not_changed_upon_the_record_of_another_release():
    with pytest.raises(Refused, match=f"make deploy IMAGE={GOOD}"):
        unrecorded.refuse(BY_HAND, "shop")
    unrecorded.refuse(OURS, "shop")


def test_the_record_of_one_that_was_left_is_a_veto_and_no_place_to_go_back_to():
    by_hand = record(2, "bbbb", kind=unrecorded.KIND, outcome="not proven", inputs=None)
    left = record(3, "aaaa", kind="rollback", replaced="bbbb")
    history = [left, by_hand, record(1, "aaaa")]
    assert by(history, "bbbb") is left and current(history) is left
    with pytest.raises(Refused, match="no release before"):
        previous(history)
