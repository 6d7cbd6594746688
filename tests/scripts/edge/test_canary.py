"""New replicas are held against old ones by what the edge counts."""

from __future__ import annotations

import pytest

from scripts.edge.canary import WINDOW, Tally, observe, tally, verdict
from scripts.edge.counters import ReplicaCounters, parse

COLUMNS = (
    "# pxname,svname,status,type,addr,stot,rtime,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,"
    "hrsp_other,eresp,wretr,\n"
)


def server(address: str, requests: int, errors: int = 0, mean_ms: float = 5.0, edge: str = "e1"):
    return ReplicaCounters(edge, "replica1", address, True, requests, errors, requests, mean_ms)


def spans(*looks: ReplicaCounters):
    seen = {}
    for look in looks:
        seen = observe(seen, [look])
    return seen


def test_the_edge_s_table_tells_each_replica_with_an_address():
    text = (
        f"{COLUMNS}public,FRONTEND,OPEN,0,,9,,,,,,,,,,\n"
        "models,replica1,UP,2,10.0.1.5:8080,12,7,0,9,0,1,2,0,0,1,\n"
        "models,replica2,DOWN,2,10.0.1.6:8080,0,0,0,0,0,0,0,0,0,0,\n"
        "models,replica3,MAINT (resolution),2,,0,0,0,0,0,0,0,0,0,0,\n"
    )
    first, second = parse(text, "e1")
    assert first == ReplicaCounters("e1", "replica1", "10.0.1.5", True, 13, 3, 12, 7.0)
    assert (second.address, second.up) == ("10.0.1.6", False)


def test_what_a_slot_counted_for_its_former_replica_is_not_the_new_one_s():
    seen = spans(server("old", 100, 90), server("new", 100, 90), server("new", 150, 91))
    assert tally(seen, ["new"])[:2] == (50, 1)


def test_the_mean_is_freed_of_the_former_replica_s_times():
    rest = ((WINDOW - 1) / WINDOW) ** 300
    mixed = 5.0 * rest + 50.0 * (1 - rest)
    seen = spans(server("new", 1000, mean_ms=5.0), server("new", 1300, mean_ms=mixed))
    assert tally(seen, ["new"]).mean_ms == pytest.approx(50.0, rel=0.01)


def test_counts_of_several_edges_are_added():
    seen = observe({}, [server("new", 0), server("new", 0, edge="e2")])
    seen = observe(seen, [server("new", 10), server("new", 30, edge="e2")])
    assert tally(seen, ["new"]).requests == 40


def test_an_edge_that_began_to_count_anew_subtracts_nothing():
    seen = spans(server("new", 500), server("new", 20), server("new", 25))
    assert tally(seen, ["new"]).requests == 5


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (Tally(100, 5, 100, 5.0), Tally(300, 0, 300, 5.0)),
        (Tally(100, 40, 100, 5.0), Tally(300, 45, 300, 5.0)),
        (Tally(200, 0, 200, 50.0), Tally(200, 0, 200, 5.0)),
        (Tally(100, 100), Tally()),
    ],
)
def test_replicas_that_fail_or_dawdle_are_refused(new: Tally, old: Tally):
    assert verdict(new, old)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (Tally(100, 4, 100, 5.0), Tally(300, 0, 300, 5.0)),
        (Tally(1000, 50, 1000, 5.0), Tally(1000, 40, 1000, 5.0)),
        (Tally(200, 0, 200, 20.0), Tally(200, 0, 200, 5.0)),
        (Tally(50, 0, 50, 500.0), Tally(200, 0, 200, 5.0)),
        (Tally(), Tally()),
    ],
)
def test_chance_and_too_few_requests_refuse_nobody(new: Tally, old: Tally):
    assert not verdict(new, old)
