"""The test machine itself: what the other tests of this folder rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.swarm import cluster
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.shell import run, succeeds
from tests.support.swarm.waiting import wait_until

# What tests in the ordinary run rely on, they show.
pytestmark = [pytest.mark.slow, pytest.mark.thorough]


def states(swarm: Swarm) -> dict[str, str]:
    lines = swarm.docker("node", "ls", "--format", "{{.Hostname}} {{.Status}}").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_a_node_that_is_cut_off_is_down_and_comes_back(swarm: Swarm):
    node = swarm.nodes[2]
    node.cut_off()
    wait_until(lambda: states(swarm)["node3"] == "Down", "the manager notices", 60)
    node.reconnect()
    wait_until(lambda: set(states(swarm).values()) == {"Ready"}, "it is back", 60)


def test_a_node_that_was_switched_off_is_in_the_swarm_again(swarm: Swarm):
    node = swarm.nodes[1]
    node.kill()
    assert not node.is_up
    node.start()
    wait_until(lambda: set(states(swarm).values()) == {"Ready"}, "it is back", 60)


def test_the_manager_restarts_and_knows_its_swarm(swarm: Swarm):
    swarm.manager.restart_engine(signal.SIGKILL)
    wait_until(lambda: set(states(swarm).values()) == {"Ready"}, "all nodes are back", 60)


def test_what_a_dead_process_left_is_taken_down_by_the_next_and_nothing_else(swarm: Swarm):
    killed = (
        "import os, signal\n"
        "from tests.support.swarm import cluster\n"
        "cluster.up('left', 1, ours=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", killed], check=False, capture_output=True)
    left = cluster.find("left")
    assert left.manager.is_up and left.network.number != swarm.network.number
    cluster.take_down_orphans()
    assert not left.folder.exists() and not Path("/sys/class/net", left.network.bridge).exists()
    assert str(left.folder) not in run("ps", "-eo", "args", "ww")
    assert left.network.bridge not in run("iptables-save")
    assert swarm.manager.is_up and succeeds("ip", "link", "show", swarm.network.bridge)
    assert os.path.isdir(swarm.folder)
