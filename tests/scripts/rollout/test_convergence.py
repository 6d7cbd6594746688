"""When a stack is as it is meant to be, when it never will be, and what is said meanwhile."""

from __future__ import annotations

from scripts.rollout.convergence import Baseline, baseline, judge, under_way, unplaceable
from tests.support.scripts.views import GOOD, NEW, service, task, view

NAME = "shop_model"
WAS = {NAME: Baseline("t0", 4, frozenset({"old"}))}


def test_replicas_as_the_service_asks_for_are_converged():
    assert judge(view(service(), task("a")), {NAME: GOOD}, {}).converged


def test_a_rollback_that_was_completed_before_this_deploy_fools_nobody():
    stale = service(update="rollback_completed", update_started="t0")
    assert judge(view(stale, task("a")), {NAME: GOOD}, WAS).converged


def test_a_rollback_by_swarm_itself_is_a_failure_with_the_replica_s_reason():
    rolled = service(image=GOOD, update="rollback_completed", update_started="t1")
    broken = task("b", state="failed", image=NEW, current=False, error="task: non-zero exit (1)")
    state = judge(view(rolled, task("a"), broken), {NAME: NEW}, WAS)
    assert state.failed == f"{NAME}: a replica on node1 failed: task: non-zero exit (1)"
    assert state.task == "b"


def test_a_replica_that_swarm_ended_before_it_was_ready_is_named():
    message = "update rolled back due to failure or early termination of task b1"
    rolled = service(update="rollback_completed", update_started="t1", update_message=message)
    ended = task("b1", state="running", wanted="shutdown", image=NEW, current=False)
    state = judge(view(rolled, task("a"), ended), {NAME: NEW}, WAS)
    assert state.failed == f"{NAME}: a replica on node1 ended before its health check passed"
    assert state.task == "b1"


def test_what_broke_before_this_deploy_is_not_its_reason():
    paused = service(update="paused", update_started="t1", update_message="update paused")
    old = task("old", state="failed", error="long ago")
    assert judge(view(paused, old), {NAME: GOOD}, WAS).failed == f"{NAME}: update paused"


def test_another_image_than_the_intended_one_is_a_failure():
    assert "was meant" in judge(view(service(), task("a")), {NAME: NEW}, WAS).failed


def test_former_replicas_that_still_run_are_waited_for():
    state = judge(view(service(), task("a"), task("b", current=False)), {NAME: GOOD}, {})
    assert state.waiting == (f"{NAME}: former replicas still run",)


def test_swarm_s_own_watch_after_an_update_is_waited_for():
    updating = service(update="updating", update_started="t1")
    assert not judge(view(updating, task("a")), {NAME: GOOD}, WAS).converged


def test_a_new_service_whose_replicas_break_again_and_again_is_given_up():
    tries = [task(name, state="failed", wanted="shutdown", exit_code=3) for name in "abc"]
    assert "3 tries" in judge(view(service(), *tries), {NAME: GOOD}, {}).failed
    assert not judge(view(service(), *tries[:2]), {NAME: GOOD}, {}).failed


def test_a_service_that_is_not_there_yet_is_waited_for():
    assert judge(view(service()), {"shop_db": GOOD}, {}).waiting == ("shop_db: not there yet",)


def test_a_replica_without_a_node_says_what_lacks():
    pending = task(
        "a", state="pending", node="", error="no suitable node (insufficient resources on 3 nodes)"
    )
    assert under_way(view(service(), pending), [pending]) == [
        "replica 1 on no node finds no node: no suitable node (insufficient resources on 3 nodes)"
    ]


NO_ROOM = "no suitable node (insufficient resources on 3 nodes)"


def test_a_replica_that_no_node_has_room_for_is_unplaceable_unless_one_is_leaving():
    pending = task("b", slot=2, state="pending", node="", error=NO_ROOM)
    assert unplaceable(view(service(), task("a"), pending)) == (
        f"{NAME}: replica 2 finds no node: {NO_ROOM}"
    )
    leaving = task("c", state="running", wanted="shutdown")
    assert not unplaceable(view(service(), leaving, pending))
    # A node that is lost frees nothing.
    lost = task("d", state="running", wanted="shutdown", node="gone")
    assert unplaceable(view(service(), lost, pending))


def test_replicas_that_served_before_need_no_watch_of_swarm_s_when_they_are_back():
    updating = service(update="updating", update_started="t1")
    assert judge(view(updating, task("old")), {NAME: GOOD}, WAS, frozenset({"old"})).converged
    new = view(updating, task("new"))
    assert not judge(new, {NAME: GOOD}, WAS, frozenset({"old"})).converged


def test_what_was_there_before_is_remembered():
    before = baseline(view(service(update_started="t7", version=9), task("a")))
    assert before == {NAME: Baseline("t7", 9, frozenset({"a"}))}
