"""The service's image as it runs: without rights, healthy when it is, and with nothing to hide."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.image.exported import find
from tests.support.service import bundles
from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.containers import MARK, Built, build, running, wait_for_health

pytestmark = pytest.mark.slow
#: A call from inside, since a container without a network has no other door; prints what came back.
CALL = """
import json, sys, urllib.request
body = json.dumps({"rows": json.loads(%r)}).encode()
request = urllib.request.Request(
    "http://127.0.0.1:8080/v1/models/%s/predict", body, {"Content-Type": "application/json"}
)
with urllib.request.urlopen(request) as answer:
    json.dump({"release": answer.headers["X-Release"], **json.load(answer)}, sys.stdout)
"""
#: A signal to all processes of a container but its first, which no signal from inside can stop.
SEND = """
import os, signal
others = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {1, os.getpid()}
for pid in others:
    os.kill(pid, signal.%s)
"""


def test_it_predicts_without_rights_and_ends_in_good_order(built: Built):
    swarm = built.swarm
    shipped = next(
        bundle for bundle in find(built.folder / "bundles") if bundle.model == bundles.YIELD.model
    )
    golden = json.loads((shipped.folder / "golden.json").read_bytes())
    with running(swarm, built.tag, "--env", "AUTH=off", "--env", "DRAIN_SECONDS=1") as name:
        wait_for_health(swarm, name, "healthy")
        call = CALL % (json.dumps(golden["rows"]), shipped.model)
        answer = json.loads(swarm.docker("exec", "--interactive", name, "python3", "-", stdin=call))
        assert answer["release"] == built.document["release"]
        expected = [
            value[0] if isinstance(value, list) else value for value in golden["predictions"]
        ]
        assert answer["predictions"] == pytest.approx(expected, rel=1e-4, abs=1e-4)
        assert swarm.docker("exec", name, "id", "-u").strip() == "10001"
        rights = swarm.docker("exec", name, "grep", "CapEff", "/proc/1/status")
        assert set(rights.split()[1]) == {"0"}
        swarm.docker("stop", name)
        ended = json.loads(swarm.docker("inspect", name))[0]["State"]
        assert (ended["ExitCode"], ended["OOMKilled"]) == (0, False)


def test_it_calls_nobody(built: Built):
    with running(built.swarm, built.tag, "--env", "AUTH=off") as name:
        wait_for_health(built.swarm, name, "healthy")
        words = built.swarm.manager.logs(name)
    # ONNX Runtime tells of its reports where it has no place for their sender's number.
    assert "telemetry" not in words.lower()


def test_it_says_what_it_lacks_and_ends(built: Built):
    with running(built.swarm, built.tag) as name:
        assert built.swarm.docker("wait", name).strip() == "1"
        words = built.swarm.manager.logs(name)
    assert "there are no keys; give KEYS_FILE" in words


def test_its_health_is_that_of_its_workers(built: Built):
    swarm = built.swarm
    quick = ("--health-interval", "1s", "--health-timeout", "2s", "--health-retries", "2")
    options = ("--env", "AUTH=off", "--env", "WORKERS=1", *quick)
    with running(swarm, built.tag, *options) as name:
        wait_for_health(swarm, name, "healthy")
        swarm.docker("exec", name, "python3", "-c", SEND % "SIGSTOP")
        wait_for_health(swarm, name, "unhealthy")
        swarm.docker("exec", name, "python3", "-c", SEND % "SIGCONT")
        wait_for_health(swarm, name, "healthy")


def test_only_root_may_change_what_is_inside(built: Built):
    command = "find /app /etc/passwd ! -user root -o -perm /022 ! -type l | head"
    listed = built.swarm.docker("run", "--rm", "--entrypoint", "sh", built.tag, "-c", command)
    assert listed == ""


def test_no_secret_is_in_it(built: Built, tmp_path: Path):
    """A setting of the build stands for all of them; the key is one that the machine has."""
    swarm = built.swarm
    assert MARK not in swarm.docker("history", "--no-trunc", built.tag)
    assert MARK not in swarm.docker("image", "inspect", built.tag)
    swarm.docker("save", "--output", str(tmp_path / "image.tar"), built.tag)
    content = (tmp_path / "image.tar").read_bytes()
    assert b"release.json" in content
    assert MARK.encode() not in content


@pytest.mark.thorough
def test_a_model_that_needs_scikit_learn_is_served_too(swarm: Swarm, tmp_path: Path):
    bundles.write_bundle(tmp_path / "bundles", bundles.RECIPE, "1", engine="skops", linear=True)
    built = build(swarm, tmp_path)
    with running(swarm, built.tag, "--env", "AUTH=off") as name:
        # Its golden rows are proven before it listens.
        wait_for_health(swarm, name, "healthy")
