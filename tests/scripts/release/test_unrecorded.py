"""A release that came by `docker stack deploy` is known for what it is."""

from __future__ import annotations

import pytest

from scripts.command.outcome import Late, Refused
from scripts.ledger import unrecorded
from scripts.ledger.records import previous, serving
from scripts.release import rollback
from scripts.release.withdrawn import find
from scripts.rollout.order import Goal, Order
from scripts.rollout.rollout import carry_out
from tests.support.scripts.swarm_in_a_file import SwarmInAFile, release
from tests.support.scripts.views import GOOD, record, service, view

OLD, NEW = release(1, "aaaa"), release(2, "bbbb")
BY_HAND = view(service(labels={"swarmline.given": "EDGE_PORT=8443; MODEL_REPLICAS="}))
OURS = view(service(labels={"swarmline.release": "aaaa"}))


def test_what_our_deploy_labelled_has_a_record_and_all_else_has_none():
    assert unrecorded.image(BY_HAND, "shop") == GOOD
    assert unrecorded.image(OURS, "shop") == ""
    assert unrecorded.image(BY_HAND, "other") == ""


def test_its_settings_stand_on_its_services():
    assert unrecorded.settings_by_hand(BY_HAND, "shop") == {"EDGE_PORT": "8443"}


def test_traffic_is_not_changed_upon_the_record_of_another_release():
    with pytest.raises(Refused, match=f"make deploy IMAGE={GOOD}"):
        unrecorded.refuse(BY_HAND, "shop")
    unrecorded.refuse(OURS, "shop")


def test_the_record_of_one_that_was_left_is_a_veto_and_no_place_to_go_back_to():
    by_hand = record(2, "bbbb", kind=unrecorded.KIND, outcome="not proven", inputs=None)
    left = record(3, "aaaa", kind="rollback", replaced="bbbb")
    history = [left, by_hand, record(1, "aaaa")]
    assert "went back from it to aaaa" in find(history, "bbbb", {}) and serving(history) is left
    with pytest.raises(Refused, match="no release before"):
        previous(history)


def by_hand(swarm: SwarmInAFile) -> None:
    """NEW serves, without a label of ours."""
    rows = {"/app/release.json": {"release": "bbbb", **NEW.document}}
    config = {"Config": {"Labels": {"swarmline.release": "bbbb"}, "Env": []}}
    swarm.change("image", **{NEW.image: {"config": config, "files": rows}})
    deploy = {"replicas": 2, "labels": {}}
    swarm.change("service", shop_model={"image": NEW.image, "deploy": deploy, "version": 1})


def test_a_plain_rollback_goes_to_what_was_verified_last_and_records_what_was_left(
    swarm: SwarmInAFile,
):
    swarm.remember(OLD)
    by_hand(swarm)
    assert rollback.main(["--watch", "0"]) == 0
    attempts = [(past.release, past.kind, past.outcome, past.replaced) for past in swarm.history]
    assert attempts == [
        ("aaaa", "rollback", "verified", "bbbb"),
        ("bbbb", "by hand", "not proven", "aaaa"),
        ("aaaa", "deploy", "verified", ""),
    ]
    assert swarm.deploys == [OLD.image]


def test_without_any_record_swarm_s_own_step_back_is_named(swarm: SwarmInAFile, capsys):
    by_hand(swarm)
    assert rollback.main([]) == 1
    assert "`docker service rollback shop_model`" in capsys.readouterr().err


def test_a_failed_first_deploy_of_ours_takes_down_nothing_that_served_before(swarm: SwarmInAFile):
    by_hand(swarm)
    swarm.change("bad", **{OLD.image: {"state": "failed", "error": "no"}})
    goal = Goal(OLD.as_release, OLD.inputs)
    order = Order("shop", "deploy", "aaaa", lambda _: goal, "ann", "", 60.0, 60.0, 0.0)
    with pytest.raises(Late, match="release bbbb came without `make deploy`.*make status"):
        carry_out(order)
    assert swarm.calls("service", "rollback") and not swarm.calls("stack", "rm")
    assert [past.outcome for past in swarm.history] == ["failed", "not proven"]


def test_a_service_that_swarm_took_back_already_stays(swarm: SwarmInAFile, capsys):
    swarm.fault("service rollback", words="no previous spec")
    unrecorded.order_back(BY_HAND)
    assert "shop_model stays: no previous spec" in capsys.readouterr().err
