"""A release that came by `docker stack deploy` is known for what it is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from scripts import rollout, unrecorded
from scripts.left import by
from scripts.order import Order
from scripts.outcome import Late, Refused
from scripts.progress import Bad
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


@pytest.fixture(name="docker")
def _docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker command that writes down what it is told, and knows of one service."""
    log, command = tmp_path / "log", tmp_path / "docker"
    command.write_text(
        f'#!/bin/sh\necho "$*" >>{log}\n[ "$2" != rollback ] || echo "no previous spec" >&2\n'
        '[ "$2" != rollback ]\n'
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return log


def test_a_service_that_swarm_took_back_already_stays(docker: Path, capsys):
    unrecorded.order_back(BY_HAND)
    assert docker.read_text() == "service rollback --detach shop_model\n"
    assert "shop_model stays: no previous spec" in capsys.readouterr().err


def test_a_failed_first_deploy_of_ours_takes_down_nothing_that_served_before(docker: Path):
    order = Order("shop", "deploy", None, None, "ann", "", 60, 60, 0)  # type: ignore[arg-type]
    attempt = record(0, "aaaa", replaced="bbbb")
    with pytest.raises(Late, match="release bbbb came without `make deploy`.*make status"):
        rollout._go_back(order, attempt, None, Bad("wrong"), time.monotonic(), frozenset())
    assert "stack rm" not in docker.read_text()
