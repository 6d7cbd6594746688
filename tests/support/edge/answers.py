"""What tests of the edge have in common: how it is started, and how it says no."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from tests.support.edge.haproxy import Answer, Edge, Replica

Start = Callable[..., Edge]
MEGABYTE = 1 << 20


def problem(answer: Answer, status: int, code: str) -> dict[str, object]:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, object] = answer.json()
    assert found["type"] == f"urn:swarmline:problem:{code}" and found["status"] == status
    assert found["request_id"] == answer.headers["X-Request-Id"]
    return found


@contextlib.contextmanager
def planned(replica: Replica, plan: str) -> Iterator[None]:
    replica.plan = plan
    try:
        yield
    finally:
        replica.plan = ""
