"""New replicas are held against old ones by what the edge counts."""

from __future__ import annotations

import pytest

from scripts.edge.canary import WINDOW, LastingSlowness, Tally, failures, observe, slowness, tally
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
    assert failures(new, old) or slowness(new, old)


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
    assert not failures(new, old) and not slowness(new, old)


def times(*looks: tuple[int, float]) -> list[str]:
    """What is said at each look at a new replica: so many requests more, so many ms each; old ones take 5 ms."""
    watch, seen = LastingSlowness(), spans(server("old", 0), server("old", 400))
    requests, mean, said = 0, 0.0, []
    seen = observe(seen, [server("new", 0, mean_ms=0.0)])
    for more, milliseconds in looks:
        rest = ((WINDOW - 1) / WINDOW) ** more
        requests, mean = requests + more, mean * rest + milliseconds * (1 - rest)
        # HAProxy divides by so many as there were, until the window is full.
        shown = mean * WINDOW / min(WINDOW, requests)
        seen = observe(seen, [server("new", requests, mean_ms=shown)])
        said.append(watch.judge(seen, {"new"}, {"old"}))
    return said


def test_replicas_that_stay_slow_are_refused():
    *quiet, last = times((100, 200.0), (50, 200.0), (50, 200.0))
    assert quiet == ["", ""] and "the new replicas answer in" in last


def test_a_replica_whose_first_answers_alone_were_slow_is_not_refused():
    assert not any(times((100, 40.0), (50, 5.0), (50, 5.0), (100, 5.0), (100, 5.0)))


def test_a_replica_that_is_slow_again_later_is_refused():
    looks = [(100, 40.0), (100, 5.0), (100, 5.0), (400, 60.0), (100, 60.0), (100, 60.0)]
    assert "the new replicas answer in" in times(*looks)[-1]


def test_a_replica_that_stays_slow_is_refused_also_where_another_edge_counts_from_then_on():
    watch, seen = LastingSlowness(), spans(server("old", 0), server("old", 400))
    said = []
    for edge in ("e1", "e2"):
        for requests in (0, 100):
            seen = observe(seen, [server("new", requests, mean_ms=200.0, edge=edge)])
            said.append(watch.judge(seen, {"new"}, {"old"}))
    assert said[:3] == ["", "", ""] and "the new replicas answer in" in said[3]
