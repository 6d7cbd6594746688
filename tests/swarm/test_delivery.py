"""The main pipeline's real commands, as Jenkins would run them: from a clean clone to a release that serves, and red
for each kind of failure, with the reason in the mail and the old release serving.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.jenkins.site import GATED, STAGING, Site
from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.events import note

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
SPEC = "training/models/yield-prediction.toml"
PORT = 8460


@pytest.fixture(name="site", scope="module")
def _site(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    hosts = [node.address for node in swarm.nodes]
    site = Site(tmp_path_factory.mktemp("site"), swarm.env, "delivered", PORT, hosts)
    try:
        yield site
    finally:
        site.close()


@pytest.fixture(name="first", scope="module")
def _first(site: Site) -> dict[str, Any]:
    """The first build; every later one starts from what it left."""
    run = site.build(REASON="the first")
    assert run["result"] == "SUCCESS", run["log"][-8000:]
    note("main pipeline, first build", **seconds(run))
    return run


def seconds(run: dict[str, Any]) -> dict[str, float]:
    stages = [stage for stage in run["stages"] if stage["status"] == "done"]
    return {stage["stage"]: stage["seconds"] for stage in stages}


def made(run: dict[str, Any], target: str) -> list[dict[str, Any]]:
    return [step for step in run["ran"] if target in step["sh"].split()]


def mail(run: dict[str, Any]) -> str:
    (sent,) = (step for step in run["did"] if step["step"] == "emailext")
    return str(sent["body"])


def published(run: dict[str, Any], step: str) -> set[str]:
    return {file for call in run["did"] if call["step"] == step for file in call["files"]}


def test_a_clean_clone_becomes_a_release_that_serves(site: Site, first: dict[str, Any]) -> None:
    assert first["name"] == f"#1 {site.serving()}"
    assert all(f"{model}: version 1 is new (gates" in first["description"] for model in GATED)
    assert f"Serving: release {site.serving()}." in mail(first)


def test_what_serves_is_champion(site: Site, first: dict[str, Any]) -> None:
    history = site.run("make", "history", MLFLOW_TRACKING_URI=site.mlflow)
    assert all(f"{model}  - -> 1  by jenkins-1: the first" in history for model in GATED)


def test_every_report_that_is_published_was_made(first: dict[str, Any]) -> None:
    tests = {f"build/reports/{name}/validation.xml" for name in GATED}
    assert published(first, "junit") == {
        "build/reports/tests.xml",
        "build/reports/lint.xml",
        *tests,
    }
    cards = {f"build/reports/{name}/card.html" for name in GATED}
    archived = published(first, "archiveArtifacts")
    assert archived >= {"build/release/release.json", "build/release/deploy.json", *cards}
    assert {"step": "publishHTML", "stage": "", "name": "Report", "there": True} in first["did"]


def test_a_second_run_trains_nothing_asks_nobody_and_deploys_nothing(
    site: Site, first: dict[str, Any]
) -> None:
    serves = site.serving()
    run = site.build(APPROVE=True)
    assert run["result"] == "SUCCESS" and made(run, "deploy") == []
    assert "unchanged, version 1" in run["log"] and site.serving() == serves
    assert f"Serving: release {serves}, as before; nothing had changed." in mail(run)
    # What was checked before is not checked again, and reported all the same.
    for check in ("check-lint", "check-types", "check-security"):
        assert f"{check}: has passed with these very inputs" in run["log"]
    assert "build/reports/lint.xml" in published(run, "junit")
    note("main pipeline, nothing changed", **seconds(run))


def test_a_commit_to_documents_is_only_checked(site: Site, first: dict[str, Any]) -> None:
    site.commit("docs/new.md", "# New\n")
    run = site.build()
    assert run["result"] == "SUCCESS" and made(run, "train") == []
    assert "Only documents changed: nothing was trained, nothing was deployed." in mail(run)


def broken(
    site: Site,
    path: str,
    text: str,
    target: str,
    environ: dict[str, str] | None = None,
    **params: Any,
) -> str:
    """The mail about a build that fails at a target, after which the same release serves."""
    before, good = (
        (site.clone / path).read_text() if (site.clone / path).exists() else ""
    ), site.serving()
    site.commit(path, text)
    run = site.build(environ, **params)
    site.commit(path, before)
    assert run["result"] == "FAILURE" and made(run, target)[-1]["code"] != 0, run["log"][-8000:]
    assert site.serving() == good
    # The log ends with what the mail says.
    assert run["log"].rstrip().endswith(mail(run).rstrip())
    return mail(run)


def test_a_failed_unit_test_is_named(site: Site, first: dict[str, Any]) -> None:
    path = "tests/test_wrong.py"
    wrong = "def test_wrong() -> None:\n    assert 1 == 2\n"
    words = broken(site, path, wrong, "test-fast", {"TESTS": path})
    assert "tests.test_wrong test_wrong: assert 1 == 2" in words
    assert "the release that served before still serves" in words


def test_a_gate_that_fails_tells_rule_value_and_bound(site: Site, first: dict[str, Any]) -> None:
    text = (site.clone / SPEC).read_text(encoding="utf-8").replace("min = 0.1", "min = 1.1")
    words = broken(site, SPEC, text, "gate")
    assert "FAIL r2 >= 1.1: value 0." in words and "yield-prediction: refused, failed" in words


def test_a_release_that_cannot_start_is_taken_back(site: Site, first: dict[str, Any]) -> None:
    path, start = "service/__main__.py", "def main() -> int:\n"
    # Only in an image: checks and tests see nothing wrong with it.
    wrong = '    if os.environ.get("RELEASE"):\n        raise SystemExit("broken")\n'
    text = (site.clone / path).read_text(encoding="utf-8")
    assert start in text
    serves = site.serving()
    words = broken(site, path, text.replace(start, start + wrong, 1), "deploy", FORCE=True)
    assert f"Serving: release {serves} still serves; the new release does not" in words
    # Its new versions are nothing that a later build brings in by itself.
    for model in GATED:
        assert re.search(f"{model}: version \\d+, trained, rejected .*: the deploy failed: ", words)
    # That the code was mended is one more release, of the models that served before.
    run = site.build()
    assert run["result"] == "SUCCESS", run["log"][-8000:]
    served = site.ask("/v1/models").json()["models"]
    assert {(model["champion"], model["challenger"]) for model in served} == {("1", None)}


def test_a_stack_with_a_staging_gets_what_was_confirmed_there(
    site: Site, first: dict[str, Any], tmp_path: Path
) -> None:
    live = f"STAGING={STAGING}\nEDGE_PORT={PORT}\nEDGE_TLS=off\nEDGE_REPLICAS=1\n"
    trial = "EDGE_PORT=8462\nEDGE_TLS=off\nEDGE_REPLICAS=1\nMODEL_REPLICAS=1\nMONITORING=off\n"
    (tmp_path / f"{site.stack}.env").write_text(live, encoding="utf-8")
    (tmp_path / f"{STAGING}.env").write_text(trial, encoding="utf-8")
    # What the environment says goes before a file, for both stacks.
    said = {
        "SWARMLINE_SETTINGS": str(tmp_path),
        "EDGE_PORT": "",
        "EDGE_TLS": "",
        "EDGE_REPLICAS": "",
    }
    site.run("make", "secrets", STACK=STAGING, **said)
    try:
        path = "service/views/health.py"
        text = (site.clone / path).read_text(encoding="utf-8")
        site.commit(path, f"{text}\n\n# Another line of code.\n")
        run = site.build(said)
        assert run["result"] == "SUCCESS", run["log"][-8000:]
        deploys = [step["stage"] for step in made(run, "deploy")]
        assert deploys == ["Staging", "Deploy"]
        # By the same digest, as the Swarm of production has it on record.
        kept = json.loads(site.run("make", "releases", ARGS="--json", **said))["records"]
        facts = [(each["kind"], each["outcome"], each["release"]) for each in kept[:2]]
        serves = site.serving()
        assert facts == [("deploy", "verified", serves), ("staging", "confirmed", serves)]
        assert kept[0]["image"] == kept[1]["image"]
    finally:
        site.run("docker", "stack", "rm", STAGING)
