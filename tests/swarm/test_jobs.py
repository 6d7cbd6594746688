"""The other jobs' real commands, as Jenkins would run them, and builds that are rejected, aborted and killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.command import processes
from tests.support.jenkins.killer import kill
from tests.support.jenkins.site import GATED, Site
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until
from tests.swarm.test_delivery import made, mail

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
JOBS = "jenkins/pipelines"
MODEL = sorted(GATED)[0]


@pytest.fixture(name="site", scope="module")
def _site(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    hosts = [node.address for node in swarm.nodes]
    site = Site(tmp_path_factory.mktemp("jobs"), swarm.env, "jobs", 8461, hosts)
    try:
        yield site
    finally:
        site.close()


@pytest.fixture(name="first", scope="module", autouse=True)
def _first(site: Site) -> str:
    """The image of the first build."""
    good(site.build(REASON="the first"))
    return str(json.loads((workspace(site) / "release/image.json").read_bytes())["image"])


def good(run: dict[str, Any]) -> dict[str, Any]:
    assert run["result"] == "SUCCESS", run["log"][-8000:]
    return run


def workspace(site: Site) -> Any:
    """Where the last candidate was built."""
    return site.folder / "workspaces/machine-1/build"


def job(site: Site, name: str, answer: Any = None, **params: Any) -> dict[str, Any]:
    return good(site.job(f"{JOBS}/{name}.Jenkinsfile", params, answer=answer))


def new_code(site: Site) -> None:
    """The next build has another image, of the same models."""
    text = (site.clone / "service/views/health.py").read_text(encoding="utf-8")
    site.commit("service/views/health.py", f"{text}\n\n# Changed once more.\n")


def about(site: Site, model: str) -> dict[str, Any]:
    document: dict[str, Any] = site.ask(f"/v1/models/{model}").json()
    return document


def test_a_retraining_takes_the_same_gates_and_ends_in_a_release(site: Site) -> None:
    before = site.serving()
    asked = job(site, "retrain", MODEL=MODEL, REASON="drift", FORCE=True)
    (started,) = (step for step in asked["did"] if step["step"] == "build")
    run = good(site.build(**started["parameters"]))
    assert [step["code"] for step in made(run, "gate")] == [0] and made(run, "deploy")
    assert site.serving() != before and f"Serving: release {site.serving()}." in mail(run)
    history = site.run("make", "history", MLFLOW_TRACKING_URI=site.mlflow)
    assert f"{MODEL}  1 -> 2  by jenkins-{site.number}: drift" in history


def test_a_release_is_chosen_from_the_list_and_comes_back(site: Site) -> None:
    new_code(site)
    former = site.serving()
    good(site.build())
    assert site.serving() != former
    answer = {"submitter": "operator", "TO": former}
    run = job(site, "rollback", answer, CHOOSE=True, REASON="wrong after all")
    (asked,) = (step for step in run["did"] if step["step"] == "input")
    assert former in asked["choices"][0].split()
    assert site.serving() == former and f"Serving: release {former}." in mail(run)
    assert re.search(f"rollback +{former}  verified, by operator: wrong after all", listed(site))


def listed(site: Site) -> str:
    command = ["make", "releases"]
    done = subprocess.run(
        command, cwd=site.clone, env=site.environ, capture_output=True, text=True, check=True
    )
    return done.stderr


def test_who_approves_stands_in_the_ledger(site: Site) -> None:
    new_code(site)
    yes = {"submitter": "operator", "VERDICT": "deploy", "COMMENT": "looks well"}
    good(site.build(APPROVE=True, answer=yes))
    assert re.search(f"{site.serving()}  verified, by operator: looks well", listed(site))


def test_what_a_person_rejected_no_later_build_releases(site: Site) -> None:
    serves = site.serving()
    no = {"submitter": "operator", "VERDICT": "reject", "COMMENT": "too slow"}
    run = site.build(APPROVE=True, FORCE=True, MODEL=MODEL, answer=no)
    assert run["result"] == "ABORTED" and made(run, "deploy") == []
    assert "rejected by operator: too slow" in mail(run)
    assert re.search(
        f"{MODEL}: version \\d+, trained, rejected .* by operator: too slow", mail(run)
    )
    after = good(site.build(MODEL=MODEL))
    assert made(after, "deploy") == [] and site.serving() == serves
    assert re.search("unchanged, version \\d+, rejected .* by operator: too slow", after["log"])


def test_a_challenger_beside_the_champion_gets_the_share_that_traffic_gives_it(site: Site) -> None:
    good(site.build(ROLLOUT="beside", FORCE=True, MODEL=MODEL, REASON="try it"))
    model = about(site, MODEL)
    assert model["mode"] == "off" and int(model["challenger"]) > int(model["champion"])
    job(site, "traffic", MODEL=MODEL, MODE="split", SHARE="25", REASON="a quarter")
    assert about(site, MODEL)["shares"] == {"champion": 0.75, "challenger": 0.25}
    job(site, "traffic", MODEL=MODEL, MODE="off", REASON="enough")
    assert about(site, MODEL)["mode"] == "off"


def test_the_night_prunes_backs_up_and_restores(site: Site) -> None:
    serves = site.serving()
    run = job(site, "housekeeping")
    assert [step["sh"] for step in run["ran"] if step["code"] == 0][:4] == [
        "make begin prune",
        "make backup",
        "make audit",
        "make restore-test",
    ]
    assert site.serving() == serves


def test_data_are_checked_and_profiled(site: Site) -> None:
    run = job(site, "data")
    (archived,) = (step["files"] for step in run["did"] if step["step"] == "archiveArtifacts")
    assert {f"build/reports/{name}/validation.html" for name in GATED} <= set(archived)


COOKIES = {"JENKINS_SERVER_COOKIE": "durable-jobs", "JENKINS_NODE_COOKIE": "a-node-of-jobs"}
TAG = "jenkins-deliver-main-77"


@contextmanager
def deploying(site: Site, swarm: Swarm) -> Iterator[subprocess.Popen[str]]:
    """A build's `make deploy` of what was built last, at the moment at which replicas are being replaced."""
    image = ("--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}")
    ask = ("service", "inspect", *image, f"{site.stack}_model")
    before = swarm.docker(*ask)
    variables = COOKIES | {
        "BUILD_TAG": TAG,
        "BY": "a build",
        "SWARMLINE_LOG": "build/log",
        "MLFLOW_TRACKING_URI": site.mlflow,
        "SWARMLINE_KEY_FILE": str(site.credentials["api-key"]),
        "SWARMLINE_EDGE_KEY_FILE": str(site.credentials["edge-key"]),
        "WATCH": "5",
    }
    with subprocess.Popen(
        ["make", "deploy"],
        cwd=workspace(site).parent, env=site.environ | variables, text=True, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            changed = f"{site.stack}_model is being replaced"
            wait_until(lambda: swarm.docker(*ask) != before, changed, 120, 0.2)
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            if (deploy := deployer(site)) is not None:
                os.kill(deploy, signal.SIGKILL)


def deployer(site: Site) -> int | None:
    """The process that deploys for the build."""
    for file in (site.folder / "state/swarmline/deploys").glob(f"{TAG}+*/process"):
        if pid := processes.running_here(file.read_text(encoding="ascii")):
            return pid
    return None


def outcome(site: Site) -> dict[str, Any]:
    """How the build's deploy ended, as its `post` is told."""
    subprocess.run(
        ["make", "verdict"], cwd=workspace(site).parent, env=site.environ | {"BUILD_TAG": TAG},
        check=True, capture_output=True,
    )  # fmt: skip
    document: dict[str, Any] = json.loads((workspace(site) / "release/deploy.json").read_bytes())
    return document


def remove(folder: Path) -> Path:
    """A workspace that is gone, as far as anybody sees who uses it; the copy takes its place afterwards."""
    copy = folder.with_name(f"{folder.name}-copy")
    shutil.copytree(folder, copy, symlinks=True)
    shutil.rmtree(folder)
    return copy


def test_a_build_that_is_aborted_or_killed_in_its_middle_leaves_no_half_release(
    site: Site, swarm: Swarm
) -> None:
    new_code(site)
    good(site.build(DEPLOY=False))
    before, place = site.serving(), workspace(site).parent
    with deploying(site, swarm) as process:
        # Of two builds at once, one is refused.
        second = subprocess.run(
            ["make", "deploy"], cwd=place, env=site.environ | {"BY": "another build"},
            text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert second.returncode != 0 and "is locked: a build has been at" in second.stderr
        # As Jenkins does: the step's processes, then the workspace, then those of the whole allocation.
        kill("JENKINS_SERVER_COOKIE", COOKIES["JENKINS_SERVER_COOKIE"])
        _, words = process.communicate(timeout=60)
        copy = remove(place)
        kill("JENKINS_NODE_COOKIE", COOKIES["JENKINS_NODE_COOKIE"])
        copy.rename(place)
        ended = outcome(site)
    assert (ended["code"], ended.get("serves")) == (2, before), words
    assert "interrupted by SIGTERM" in ended["reason"]
    assert site.serving() == before
    site.run("make", "confirm")
    with deploying(site, swarm) as process:
        deploy = deployer(site)
        assert deploy is not None
        os.kill(deploy, signal.SIGKILL)
        process.communicate(timeout=60)
        assert outcome(site)["code"] is None
    run = good(site.build())
    assert "taking over the lock" in run["log"] and made(run, "deploy")
    assert site.serving() != before
    site.run("make", "confirm")


def test_an_older_build_does_not_overtake_a_newer(site: Site, first: str) -> None:
    serves = site.serving()
    done = subprocess.run(
        ["make", "plan", f"IMAGE={first}"],
        cwd=site.clone, env=site.environ, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "a newer release is not overtaken by an older" in done.stderr
    assert site.serving() == serves
