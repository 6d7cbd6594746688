"""Releases that run and are no good: seen while they come in, and taken back."""

from __future__ import annotations

import pytest

from tests.support.swarm_stack.events import answering, note, only_it_failed
from tests.support.swarm_stack.releases import Release, Workshop
from tests.support.swarm_stack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.thorough]


@pytest.mark.parametrize("fault", ["never_ready", "slow", "fails_sometimes"])
def test_a_bad_release_goes_back_by_itself(
    fault: str, calm: Stack, first: Release, workshop: Workshop
):
    bad = workshop.bad(fault, first)
    with calm.called() as callers:
        done = calm.deploy(bad, "--watch", "15")
    reason = done.document.get("reason")
    note(f"bad release: {fault}", callers.seen, done, reason=reason)
    assert done.code == 2, done.words
    assert only_it_failed(callers.seen, bad), callers.seen.summary
    assert answering(calm) == {first.name}
