"""Changes that nobody may notice: code, number of replicas, traffic, secrets; and back over several releases."""

from __future__ import annotations

import pytest

from tests.support.swarm_stack.events import answering, nobody_noticed, note
from tests.support.swarm_stack.releases import OTHER, Release, Workshop
from tests.support.swarm_stack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

#: As in stack.yml.
AS_USERS = {
    "MODEL_UPDATE_DELAY": "5s",
    "MODEL_UPDATE_MONITOR": "30s",
    "MODEL_DRAIN_SECONDS": "5",
}


@pytest.fixture(name="third", scope="module")
def _third(workshop: Workshop) -> Release:
    """The second's models, and changed code."""
    return workshop.changed_code("third", "2")


def test_an_update_of_the_code_is_noticed_by_nobody(calm: Stack, third: Release):
    with calm.called() as callers:
        done = calm.deploy(third).good()
    note("update of the service's code", callers.seen, done, replicas=3)
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert answering(calm) == {third.name}


def test_more_replicas_and_fewer_again_are_noticed_by_nobody(calm: Stack, first: Release):
    for event, replicas in (("scaled up", "5"), ("scaled down", "3")):
        with calm.called() as callers:
            done = calm.deploy(first, "--watch", "0", MODEL_REPLICAS=replicas).good()
            calm.wait_for_strength("model", int(replicas))
        note(event, callers.seen, done, replicas=int(replicas))
        assert nobody_noticed(callers.seen), callers.seen.summary


def test_a_change_of_traffic_is_noticed_by_nobody(calm: Stack):
    options = ("--json", "--mode", "split", "--share", "0.5", "--watch", "0")
    with calm.called() as callers:
        done = calm.run("traffic", OTHER, *options).good()
    note("change of traffic", callers.seen, done)
    assert nobody_noticed(callers.seen), callers.seen.summary


@pytest.mark.parametrize("secret", ["journal_url", "journal_key", "db_password", "edge_key"])
def test_a_new_secret_is_noticed_by_nobody(calm: Stack, first: Release, secret: str):
    with calm.called() as callers:
        calm.run("secrets", "rotate", secret).good()
        done = calm.deploy(first, "--watch", "0").good()
    note(f"secret rotated: {secret}", callers.seen, done)
    assert nobody_noticed(callers.seen), callers.seen.summary


def test_an_update_and_a_rollback_take_as_long_as_users_wait(
    calm: Stack, first: Release, second: Release
):
    """Not an assertion on time: with the pauses of stack.yml, for the figures."""
    for event, release in (("there", second), ("back", first)):
        with calm.called() as callers:
            done = calm.deploy(release, "--deadline", "400", "--watch", "15", **AS_USERS).good()
        note(f"rolling update with stack.yml's own pauses, {event}", callers.seen, done)
        assert nobody_noticed(callers.seen), callers.seen.summary
