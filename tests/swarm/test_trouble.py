"""Deploys in bad circumstances: a clear verdict within the deadline, and the old release still serves."""

from __future__ import annotations

import pytest

from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.events import answering, nobody_noticed, note
from tests.support.swarm_stack.releases import Release
from tests.support.swarm_stack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.thorough]


def test_an_image_that_is_not_there_is_refused(calm: Stack, first: Release):
    missing = first._replace(image=f"{first.image.split('@')[0]}@sha256:{'0' * 64}")
    with calm.called() as callers:
        done = calm.deploy(missing)
    note("image missing", callers.seen, done, reason=done.document.get("reason"))
    assert done.code == 1, done.words
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert answering(calm) == {first.name}


def test_a_registry_that_is_down_is_no_danger(calm: Stack, first: Release, second: Release):
    calm.swarm.registry.stop()
    try:
        with calm.called() as callers:
            done = calm.deploy(second)
        note("registry down", callers.seen, done, reason=done.document.get("reason"))
        assert done.code == 1, done.words
        assert nobody_noticed(callers.seen), callers.seen.summary
        assert answering(calm) == {first.name}
    finally:
        calm.swarm.registry.start()


def test_without_room_on_the_nodes_it_ends_with_the_reason_long_before_the_deadline(
    calm: Stack, first: Release, second: Release
):
    served = {task["ID"] for task in calm.tasks("model")}
    with calm.called() as callers:
        done = calm.deploy(second, MODEL_MEMORY="900G", MODEL_MEMORY_RESERVED="900G")
    reason = done.document.get("reason", "")
    note("no room", callers.seen, done, reason=reason)
    assert done.code == 3, done.words
    assert "insufficient resources" in reason and "not done within" not in reason
    assert done.document["failed"]["number"] > 0, "it can be found among the releases"
    assert {task["ID"] for task in calm.tasks("model")} == served
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert answering(calm) == {first.name}


def test_without_a_database_predictions_go_on_and_a_deploy_mends_it(calm: Stack, second: Release):
    with calm.called() as callers:
        calm.swarm.docker("service", "scale", "--detach", f"{calm.name}_db=0")
        calm.wait_for_strength("db", 0)
        done = calm.deploy(second, "--watch", "0").good()
    note("database down", callers.seen, done)
    assert nobody_noticed(callers.seen), callers.seen.summary
    calm.wait_for_strength("db", 1)


def test_a_manager_that_restarts_in_the_middle_leaves_a_clear_verdict(
    calm: Stack, first: Release, second: Release
):
    options = ("--json", "--force", "--watch", "8", "--deadline", "240", "--image", second.image)
    with calm.called() as callers, calm.begin("deploy", *options) as running:
        wait_until(lambda: second.name in callers.seen.releases, "the second comes in", 120)
        calm.swarm.manager.restart_engine()
        done = running.outcome()
    note("manager restarted in the middle", callers.seen, code=done.code)
    assert done.code in (0, 2, 3), done.words
    calm.wait_for_strength("model", 3)
    calm.wait_for_strength("edge", 2)
    assert answering(calm) == {second.name if done.code == 0 else first.name}
