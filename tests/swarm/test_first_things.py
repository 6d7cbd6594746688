"""What every change is tested with: in, over, back, and a replica lost, while callers ask."""

from __future__ import annotations

import pytest

from tests.support.swarm_stack.events import (
    answering,
    containers,
    nobody_noticed,
    note,
    only_it_failed,
)
from tests.support.swarm_stack.releases import Release, Workshop
from tests.support.swarm_stack.stack import Stack

pytestmark = pytest.mark.slow


def test_a_new_model_version_comes_in_and_goes_back_and_nobody_notices(
    calm: Stack, first: Release, second: Release
):
    with calm.called() as callers:
        done = calm.deploy(second).good()
    note("rolling update to a new model version", callers.seen, done, replicas=3)
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert set(callers.seen.releases) == {first.name, second.name}
    assert answering(calm) == {second.name}
    with calm.called() as callers:
        done = calm.run("rollback", "--json", "--deadline", "200").good()
    note("rollback", callers.seen, done, replicas=3)
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert answering(calm) == {first.name}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("cannot_start", "this release cannot start"),
        ("wrong_answers", "golden row"),
        *(
            pytest.param(fault, "", marks=pytest.mark.thorough)
            for fault in ("never_ready", "slow", "fails_sometimes")
        ),
    ],
)
def test_a_bad_release_goes_back_by_itself(
    fault: str, reason: str, calm: Stack, first: Release, workshop: Workshop
):
    bad = workshop.bad(fault, first)
    with calm.called() as callers:
        done = calm.deploy(bad, "--watch", "15")
    note(f"bad release: {fault}", callers.seen, done, reason=done.document.get("reason"))
    assert done.code == 2, done.words
    assert reason in done.document["reason"]
    assert only_it_failed(callers.seen, bad), callers.seen.summary
    assert answering(calm) == {first.name}


def test_a_replica_that_is_killed_is_missed_by_nobody(calm: Stack):
    node, container = containers(calm, "model")[0]
    with calm.called() as callers:
        node.docker("kill", container)
        lost = calm.wait_for_strength("model", 3)
    note("replica killed", callers.seen, full_strength_after_s=lost)
    assert nobody_noticed(callers.seen), callers.seen.summary
