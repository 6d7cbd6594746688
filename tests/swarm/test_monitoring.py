"""Monitoring beside a stack on a real Swarm: it sees what there is, takes no release back, and outlives a rollback."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.swarm.cluster import Swarm
from tests.support.swarm.shell import SwarmError
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.events import answering, containers, nobody_noticed, note
from tests.support.swarm_stack.former import Former
from tests.support.swarm_stack.monitored import windows_of_a_minute
from tests.support.swarm_stack.releases import Release, Workshop
from tests.support.swarm_stack.rights import capabilities, processes
from tests.support.swarm_stack.stack import Stack
from tests.swarm.test_by_hand import traced
from tests.swarm.test_releases import asked_page, client_of

pytestmark = pytest.mark.slow
#: Windows of a minute, so that it says something within the test.
SETTINGS = windows_of_a_minute(every=2, allowance=1)
NOBODY = f"stand-in/nobody@sha256:{'0' * 64}"


@pytest.fixture(name="watched_release", scope="module")
def _watched_release(workshop: Workshop) -> Release:
    """With the monitor's image."""
    release = workshop.release("watched", "2", monitoring="on")
    assert "/swarmline/monitor@sha256:" in release.monitor
    return release


@pytest.fixture(name="watched", scope="module")
def _watched(
    swarm: Swarm, watched_release: Release, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack that was deployed from nothing, with monitoring."""
    stack = Stack(
        swarm, tmp_path_factory.mktemp("watched"), "watched", {**SETTINGS, "EDGE_PORT": "9443"}
    )
    stack.run("secrets", "make", "--self-signed", "edge.test").good()
    try:
        done = stack.deploy(watched_release, "--watch", "0").good()
        note("first deploy with monitoring", done=done, **done.document["monitoring"])
        assert done.document["monitoring"]["state"] == "running", done.words
        yield stack
    finally:
        stack.remove()


def beside(stack: Stack) -> Stack:
    """Its monitoring, as a stack of its own."""
    return Stack(stack.swarm, stack.folder, f"{stack.name}-monitoring", stack.settings)


def query(stack: Stack, expression: str) -> list[dict[str, Any]]:
    """What Prometheus answers from inside its container: it is not public."""
    (place,) = containers(beside(stack), "prometheus")
    node, container = place
    address = f"http://127.0.0.1:9090/api/v1/query?query={urllib.parse.quote(expression)}"
    try:
        answer = json.loads(node.docker("exec", container, "wget", "-q", "-O", "-", address))
    except SwarmError:
        return []
    return list(answer["data"]["result"])


def up(stack: Stack) -> dict[str, int]:
    """How many targets of each job answer."""
    results = query(stack, "sum by (job) (up)")
    return {each["metric"]["job"]: int(each["value"][1]) for each in results}


def task_ids(stack: Stack) -> set[str]:
    services = ("monitor", "prometheus", "alertmanager", "node-exporter", "engine", "hosts")
    return {task["ID"] for name in services for task in beside(stack).tasks(name)}


def test_prometheus_scrapes_edges_replicas_monitor_and_every_node(watched: Stack):
    with watched.called() as callers:
        wanted = {"edge": 2, "model": 3, "monitor": 1, "hosts": 1, "node": 3}
        wanted |= {"prometheus": 1, "alertmanager": 1}
        wait_until(lambda: wanted.items() <= up(watched).items(), "every target answers", 120, 2)
        wait_until(
            lambda: query(watched, "sum(rate(swarmline_requests_total[1m])) > 0"),
            "the callers' requests are counted",
            90,
            2,
        )
    assert nobody_noticed(callers.seen)
    nodes = {each["metric"]["nodename"] for each in query(watched, "node_uname_info")}
    assert nodes == {node.name for node in watched.swarm.nodes}
    for expression in (
        "haproxy_frontend_http_requests_total > 0",
        "node_filesystem_avail_bytes > 0",
        'swarmline_task_memory_bytes{service=~".*model"} > 0',
        "swarmline_certificate_expiry_timestamp_seconds > time()",
        "swarmline_monitor_interval_seconds > 0",
        "swarmline_journal_lag_seconds",
    ):
        assert query(watched, expression), expression


def test_the_monitors_pages_come_through_the_edge_for_an_admins_key_alone(watched: Stack):
    assert asked_page(watched, "/monitor/", watched.key).status_code == 200
    # As a browser sends it: any name, and the key as the password.
    reach = client_of(watched, "")
    with reach.session() as session:
        page = session.get(f"{reach.url}/monitor/", auth=("anybody", watched.key), timeout=10)
    assert page.status_code == 200
    refused = asked_page(watched, "/monitor/", "guessed")
    assert refused.status_code == 401 and "Basic" in refused.headers["WWW-Authenticate"]
    assert asked_page(watched, "/monitor/metrics", watched.key).status_code == 404
    assert asked_page(watched, "/grafana/", watched.key).status_code == 503


def test_nothing_of_monitoring_has_a_right_that_it_does_not_need(watched: Stack):
    monitoring = beside(watched)
    for name in ("monitor", "prometheus", "alertmanager", "node-exporter", "engine", "hosts"):
        node, container = containers(monitoring, name)[0]
        running = processes(node, container)
        assert capabilities(running) == {0}, name
        assert "1" in {each["NoNewPrivs"] for each in running}, name
        with pytest.raises(SwarmError, match="Read-only file system"):
            node.docker("exec", container, "sh", "-c", "echo >/written")
        ports = watched.swarm.docker(
            "service",
            "inspect",
            "--format",
            "{{json .Endpoint.Ports}}",
            f"{monitoring.name}_{name}",
        )
        assert ports.strip() == "null", name


def test_the_edge_reaches_the_monitor_and_no_database(watched: Stack):
    node, container = containers(watched, "edge")[0]
    look = "getent hosts {0} >/dev/null && echo {0}; true"
    names = ("monitor", "model", "db", "alertmanager")
    seen = node.docker("exec", container, "sh", "-c", "; ".join(map(look.format, names)))
    assert seen.split() == ["monitor", "model", "alertmanager"]


@pytest.mark.thorough
def test_a_monitor_that_cannot_start_takes_nothing_back(watched: Stack, watched_release: Release):
    before = {task["ID"] for task in watched.tasks("model")}
    with watched.called() as callers:
        done = watched.deploy(watched_release, "--watch", "0", MONITOR_IMAGE=NOBODY)
    note("a monitor that cannot start", callers.seen, done, **done.document["monitoring"])
    assert done.code == 0 and done.document["monitoring"]["state"] == "failing", done.words
    assert "monitoring: " in done.document["monitoring"]["problems"][0]
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert {task["ID"] for task in watched.tasks("model")} == before, "no replica was restarted"
    assert answering(watched) == {watched_release.name}
    status = watched.run("status", "--json").good()
    assert any("monitoring: " in sentence for sentence in status.document["warnings"])
    well = watched.deploy(watched_release, "--watch", "0").good()
    assert well.document["monitoring"]["state"] == "running", well.words


@pytest.mark.thorough
def test_off_takes_it_away_and_on_brings_back_what_it_had_stored(
    watched: Stack, watched_release: Release
):
    off = watched.deploy(watched_release, "--watch", "0", MONITORING="off").good()
    assert off.document["monitoring"] == {"state": "off", "problems": [], "removed": True}
    assert not task_ids(watched)
    on = watched.deploy(watched_release, "--watch", "0").good()
    assert on.document["monitoring"]["state"] == "running", on.words
    ages = query(watched, "time() - prometheus_tsdb_lowest_timestamp_seconds")
    assert ages, "Prometheus has numbers of before"


@pytest.fixture(name="former", scope="module")
def _former(
    swarm: Swarm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, Release]]:
    """A stack as it was deployed before there was monitoring."""
    folder = tmp_path_factory.mktemp("former")
    former = Former.of(swarm, folder)
    release = former.release(folder / "build")
    stack = Stack(swarm, folder / "stack", "former", {**SETTINGS, "EDGE_PORT": "9444"})
    try:
        former.deploy(stack, release)
        yield stack, release
    finally:
        stack.remove()


@pytest.mark.thorough
def test_a_stack_of_before_is_updated_and_goes_back_while_it_is_called(
    former: tuple[Stack, Release], watched_release: Release
):
    stack, old = former
    with stack.called() as callers:
        done = stack.deploy(watched_release, "--watch", "0").good()
    note("update from a release of before monitoring", callers.seen, done, commit=old.document)
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert set(callers.seen.releases) == {old.name, watched_release.name}
    assert done.document["monitoring"]["state"] == "running", done.words
    assert asked_page(stack, "/monitor/", stack.key).status_code == 200
    assert traced(stack), "the journal has its new columns, and is written"

    there = task_ids(stack)
    with stack.called() as callers:
        back = stack.run("rollback", "--json", "--to", old.image.split("@")[1], "--watch", "0")
    note("rollback to a release of before monitoring", callers.seen, back.good())
    assert nobody_noticed(callers.seen), callers.seen.summary
    assert answering(stack) == {old.name}
    assert task_ids(stack) == there, "monitoring is as it was"
    assert traced(stack), "replicas of before write on into the newer tables"
    wait_until(
        lambda: up(stack).get("model") == 3, "Prometheus goes on with the replicas of before", 90, 2
    )
    status = stack.run("status", "--json").good()
    assert status.document["release"] == old.name
    assert not status.document["monitoring"]["problems"], status.words
