"""What the engines answered becomes numbers: of tasks, services, nodes, restarts and backups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitoring.hosts.engines import Node, Use
from monitoring.hosts.numbers import MEANINGS, Number, Restarts, numbers
from monitoring.hosts.serve import written
from tests.support.engine_answers import recorded

RESTARTS = "swarmline_task_restarts_total"


def node(answers: dict[str, Any], manages: bool = True, **backups: Any) -> Node:
    uses = [Use(container, answers["stats"]) for container in answers["containers"]]
    swarm = {name: answers[name] for name in ("nodes", "services", "tasks")}
    return Node(answers["info"]["Name"], uses, swarm if manages else None, backups)


def told(nodes: Sequence[Node], restarts: Restarts | None = None, failed: int = 0) -> list[Number]:
    return list(numbers(nodes, failed, restarts or Restarts()))


def values(all_numbers: list[Number], name: str, by: str) -> dict[str, float]:
    return {number.labels[by]: number.value for number in all_numbers if number.name == name}


def test_a_task_is_told_with_its_use_and_its_limits() -> None:
    mine = told([node(recorded())])
    (task,) = [
        number.labels["task"]
        for number in mine
        if number.name == "swarmline_task_cpu_seconds_total"
        and number.labels["service"] == "swarmline_db"
    ]
    of_it = {number.name: number.value for number in mine if number.labels.get("task") == task}
    assert of_it["swarmline_task_cpu_seconds_total"] == 3.106889565
    # Without the cache that the kernel gives back: as `docker stats` has it.
    assert of_it["swarmline_task_memory_bytes"] == 88797184 - 36995072
    assert of_it["swarmline_task_memory_limit_bytes"] == 1073741824
    assert of_it["swarmline_task_cpu_limit_cores"] == 2.0


def test_the_cache_is_found_under_the_second_version_of_cgroups_too() -> None:
    answers = recorded()
    answers["stats"]["memory_stats"] = {"usage": 100, "limit": 200, "stats": {"inactive_file": 30}}
    assert set(
        values(told([node(answers)]), "swarmline_task_memory_bytes", "service").values()
    ) == {70}


def test_services_are_told_with_what_they_should_have_and_have() -> None:
    answers = recorded()
    name = answers["services"][0]["Spec"]["Name"]
    wanted = answers["services"][0]["ServiceStatus"]["DesiredTasks"] = 4
    mine = told([node(answers)])
    assert values(mine, "swarmline_service_tasks_desired", "service")[name] == wanted
    assert values(mine, "swarmline_service_tasks_running", "service")[name] == 3


def test_a_task_of_a_lost_node_does_not_run_though_swarm_goes_on_saying_so() -> None:
    answers = recorded()
    service = answers["services"][0]
    places = {
        task["NodeID"]
        for task in answers["tasks"]
        if task["ServiceID"] == service["ID"] and task["DesiredState"] == "running"
    }
    assert len(places) == 3
    lost = next(each for each in answers["nodes"] if each["ID"] in places)
    lost["Status"]["State"] = "down"
    mine = values(told([node(answers)]), "swarmline_service_tasks_running", "service")
    assert mine[service["Spec"]["Name"]] == 2


def test_a_job_is_no_service_that_lacks_tasks() -> None:
    answers = recorded()
    answers["services"][0]["Spec"]["Mode"] = {"ReplicatedJob": {"TotalCompletions": 1}}
    name = answers["services"][0]["Spec"]["Name"]
    assert name not in values(told([node(answers)]), "swarmline_service_tasks_desired", "service")


def test_a_lost_node_is_told_by_a_manager_and_one_that_came_back_anew_is_there() -> None:
    answers = recorded()
    lost = next(each for each in answers["nodes"] if each["Description"]["Hostname"] == "node2")
    lost["Status"]["State"] = "down"
    ready = values(told([node(answers)]), "swarmline_node_ready", "node")
    assert ready == {"node1": 1, "node2": 0, "node3": 1}
    answers["nodes"].append({**lost, "ID": "other", "Status": {"State": "ready"}})
    assert values(told([node(answers)]), "swarmline_node_ready", "node")["node2"] == 1


def test_of_managers_only_is_told_whether_the_others_reach_them() -> None:
    answers = recorded()
    assert values(told([node(answers)]), "swarmline_node_manager", "node") == {"node1": 1}
    manager = next(each for each in answers["nodes"] if "ManagerStatus" in each)
    manager["ManagerStatus"]["Reachability"] = "unreachable"
    assert values(told([node(answers)]), "swarmline_node_manager", "node") == {"node1": 0}


def test_workers_tell_of_their_own_tasks_and_two_managers_say_a_thing_once() -> None:
    answers = recorded()
    manager, worker = node(answers), node({**answers, "info": {"Name": "node9"}}, manages=False)
    mine = told([manager, worker, manager._replace(uses=[])])
    assert len([number for number in mine if number.name == "swarmline_node_ready"]) == 3
    assert {number.labels["node"] for number in mine if "cpu_seconds" in number.name} == {
        "node1",
        "node9",
    }


def test_a_running_task_is_found_by_each_of_its_addresses() -> None:
    answers = recorded()
    running = [task for task in answers["tasks"] if task["Status"]["State"] == "running"]
    addresses = {
        address.split("/")[0]
        for task in running
        for network in task["NetworksAttachments"]
        for address in network["Addresses"]
    }
    mine = values(told([node(answers)]), "swarmline_task_info", "address")
    assert set(mine) == addresses


def test_restarts_are_counted_from_the_start_on_and_what_an_update_ends_is_none() -> None:
    answers, restarts = recorded(), Restarts()
    service = answers["services"][0]["ID"]
    of_it = [task for task in answers["tasks"] if task["ServiceID"] == service]
    name = answers["services"][0]["Spec"]["Name"]

    def count() -> float:
        mine = told([node(answers)], restarts)
        return sum(
            number.value
            for number in mine
            if number.name == "swarmline_task_restarts_total" and number.labels["service"] == name
        )

    answers["tasks"].append({**of_it[0], "ID": "before", "Status": {"State": "failed"}})
    assert count() == 0
    answers["tasks"].append({**of_it[0], "ID": "updated", "Status": {"State": "shutdown"}})
    assert count() == 0
    for number, state in enumerate(("failed", "rejected", "complete")):
        answers["tasks"].append({**of_it[0], "ID": f"ill{number}", "Status": {"State": state}})
    assert count() == 3 and count() == 3
    # Swarm keeps five tasks of a slot and forgets the rest: the count stays.
    del answers["tasks"][-4:]
    assert count() == 3


def test_a_job_that_ends_is_no_restart_and_leaves_no_numbers_behind() -> None:
    answers, restarts = recorded(), Restarts()
    told([node(answers)], restarts)
    job = {"ID": "job", "Spec": {"Name": "swarmline_role_ab12", "Mode": {"ReplicatedJob": {}}}}
    task = {**answers["tasks"][0], "ID": "once", "ServiceID": "job"}
    task["Status"] = {"State": "complete"}
    during = {**answers, "services": [*answers["services"], job]}
    during["tasks"] = [*answers["tasks"], task]
    assert "swarmline_role_ab12" not in values(told([node(during)], restarts), RESTARTS, "service")
    # A stack that was taken down is not told of for ever.
    gone = answers["services"][0]["Spec"]["Name"]
    fewer = {**answers, "services": answers["services"][1:]}
    assert gone in values(told([node(answers)], restarts), RESTARTS, "service")
    assert gone not in values(told([node(fewer)], restarts), RESTARTS, "service")


def test_a_stack_without_a_backup_has_one_of_never() -> None:
    config = {"Spec": {"Name": "swarmline_backup", "Labels": {"swarmline.at": "1795656000"}}}
    mine = told([node(recorded(), swarmline=config, platform={})])
    backups = values(mine, "swarmline_backup_timestamp_seconds", "stack")
    assert backups == {"swarmline": 1795656000, "platform": 0}


def test_every_number_has_a_meaning_and_prometheus_can_read_it() -> None:
    mine = told([node(recorded(), swarmline={})], failed=2)
    assert {number.name for number in mine} <= MEANINGS.keys()
    text = written(mine).decode()
    assert "# TYPE swarmline_task_restarts_total counter" in text
    assert "# TYPE swarmline_node_ready gauge" in text
    assert "swarmline_engines_failed 2.0" in text


def test_where_no_manager_answers_the_swarm_is_not_told_of() -> None:
    names = {number.name for number in told([node(recorded(), manages=False)])}
    assert "swarmline_node_ready" not in names and "swarmline_task_memory_bytes" in names
