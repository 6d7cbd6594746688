"""A deploy's watch ends a release that is not good, and tells its replicas to take no more requests."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from werkzeug.wrappers import Request, Response

from scripts.edge import containment
from scripts.edge.canary_watch import CanaryWatch
from scripts.edge.client import EdgeClient
from scripts.engine.swarm import View
from scripts.image.release import Release
from tests.support.scripts.views import GOOD
from tests.support.scripts.views import NEW as LATE
from tests.support.scripts.views import service, task, view
from tests.support.web import answering

OLD, NEW, LATER = "10.1.0.5", "10.1.0.6", "10.1.0.7"
RELEASE = Release(GOOD, "aaaa", {}, {})
HEAD = "# pxname,svname,addr,type,status,hrsp_2xx,hrsp_5xx\n"


class Edge:
    """An edge that tells of two replicas on one node, as far as the watch asks."""

    url = ""
    lost = 0
    #: Requests that the new replica has failed, of those that it was asked since.
    failed = 0
    #: Whether the old replica is ready.
    old_is_up = True
    #: Answers for one model that took a fifth of a second, of the new replica; the old one gave as many at once.
    slow = 0
    #: Slots that the edge's answers name wrongly, as another edge's would.
    misses = 0

    #: Further lines of its table.
    more = ""

    def __init__(self) -> None:
        self.orders: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.times: list[float] = []

    def __call__(self, request: Request) -> Response:
        if request.method == "POST":
            self.orders.append((request.path, dict(request.headers), request.get_json()))
            self.times.append(time.monotonic())
            self.misses -= 1
            return Response(status=200 if self.misses < 0 else 409)
        slot = request.path.split("/")[3] if request.path.endswith("/metrics") else ""
        body = self._metrics(slot) if slot else self._replicas()
        return Response(body, headers={"X-Replica": {"r1": OLD, "r2": NEW}.get(slot, "")})

    def _metrics(self, slot: str) -> str:
        slow = self.slow
        bucket = 'swarmline_latency_seconds_bucket{arm="champion",le="%s",model="late"} %d\n'
        buckets = ((0.001, slow * (slot == "r1")), (0.1, slow * (slot == "r1")), ("+Inf", slow))
        return "".join(bucket % each for each in buckets) + (
            "swarmline_journal_lag_seconds 0\n"
            f'swarmline_journal_dropped_total{{reason="damaged"}} {self.lost}\n'
        )

    def _replicas(self) -> str:
        old = "UP" if self.old_is_up else "DOWN"
        new = f"models,r2,{NEW}:8080,2,UP,{19 * self.failed},{self.failed}\n"
        return f"{HEAD}models,r1,{OLD}:8080,2,{old},1000,0\n{new}{self.more}"


@pytest.fixture(name="edge")
def _edge() -> Iterator[Edge]:
    edge = Edge()
    with answering(edge) as edge.url:
        yield edge


def watch(edge: Edge) -> CanaryWatch:
    """From before the deploy on: the old replica alone runs."""
    client = EdgeClient(edge.url, "admin-key", "edge-key")
    before = view(service(), task("a", addresses=(OLD,)))
    return CanaryWatch("shop_model", RELEASE, lambda _: client, before)


def both() -> View:
    old, new = task("a", addresses=(OLD,), current=False), task("b", addresses=(NEW,))
    return view(service(), old, new)


def test_a_release_that_loses_predictions_is_not_good(edge: Edge) -> None:
    edge.lost = 10
    canary = watch(edge)
    edge.lost = 95
    assert "85 predictions on node1 were lost to the journal" in canary.fault(both())


def test_what_was_lost_before_the_deploy_is_not_held_against_it(edge: Edge) -> None:
    edge.lost = 10
    assert watch(edge).fault(both()) == ""


def test_failures_are_seen_without_another_look_at_the_swarm(edge: Edge) -> None:
    canary = watch(edge)
    assert canary.fault(both()) == ""
    edge.failed = 4
    assert canary.glance() == "", "so few tell nothing"
    edge.failed = 5
    assert canary.glance().startswith("5.0% of 100 requests to the new replicas failed")


def test_one_model_that_became_slow_is_not_good(edge: Edge) -> None:
    canary = watch(edge)
    edge.slow = 19
    assert canary.fault(both()) == "", "so few tell nothing"
    edge.slow = 20
    assert "answers for late half took the new replicas 100 ms or longer" in canary.fault(both())


def test_a_new_replica_s_times_count_from_its_start_also_at_an_address_that_another_had(
    edge: Edge,
) -> None:
    edge.slow = 30
    client = EdgeClient(edge.url, "admin-key", "edge-key")
    gone = task("c", addresses=(NEW,))
    before = view(service(), task("a", addresses=(OLD,)), gone)
    canary = CanaryWatch("shop_model", RELEASE, lambda _: client, before)
    edge.slow = 50
    assert "of 50 answers for late half took" in canary.fault(both())


def test_new_replicas_are_told_to_take_no_more_requests_by_both_keys(edge: Edge) -> None:
    watch(edge).contain(both(), "5 % failed")
    ((path, headers, order),) = edge.orders
    assert path == "/edge/replicas/r2/contain"
    assert headers["Authorization"] == "Bearer edge-key"
    assert headers["X-Replica-Authorization"] == "Bearer admin-key"
    assert order == {"replica": "c", "reason": "5 % failed"}


def test_an_edge_knows_of_one_before_the_next_is_told(edge: Edge) -> None:
    edge.more = f"models,r3,{LATER}:8080,2,UP,100,0\n"
    old, new = task("a", addresses=(OLD,), current=False), task("b", addresses=(NEW,))
    watch(edge).contain(view(service(), old, new, task("c", addresses=(LATER,))), "5 % failed")
    assert [path for path, _, _ in edge.orders] == [
        f"/edge/replicas/{slot}/contain" for slot in ("r2", "r3")
    ]
    first, second = edge.times
    assert second - first >= containment.APART


def test_an_order_that_reached_another_replica_is_given_again(edge: Edge) -> None:
    edge.misses = 2
    watch(edge).contain(both(), "5 % failed")
    assert len(edge.orders) == 3


def test_a_replica_that_starts_while_its_release_is_taken_back_is_told_once(edge: Edge) -> None:
    canary = watch(edge)
    old = task("a", addresses=(OLD,))
    late = view(service(), old, task("c", image=LATE, addresses=(NEW,), current=False))
    canary.contain_image(late, LATE, "its release is taken back")
    canary.contain_image(late, LATE, "its release is taken back")
    ((path, _, _),) = edge.orders
    assert path == "/edge/replicas/r2/contain"


def test_callers_keep_half_of_the_replicas(edge: Edge) -> None:
    old, new = task("a", addresses=(OLD,), current=False), task("b", addresses=(NEW,))
    watch(edge).contain(view(service(replicas=3), old, new), "5 % failed")
    assert not edge.orders


def test_what_is_bad_goes_on_answering_where_nothing_else_does(edge: Edge) -> None:
    edge.old_is_up = False
    watch(edge).contain(both(), "5 % failed")
    assert not edge.orders
