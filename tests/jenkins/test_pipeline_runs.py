"""The pipelines do what they should, whatever happens; make is a stand-in."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.jenkins.pipelines import FILES, LOADED, ROOT, evaluate
from tests.jenkins.test_pipeline_files import linted
from tests.test_documents import made

# They need Java.
pytestmark = pytest.mark.slow

STUB = Path(__file__).parent / "stub_make.sh"
CREDENTIALS = {
    "mlflow": {"user": "pipelines", "password": "mlflow-secret"},
    "registry": {"user": "pipelines", "password": "registry-secret"},
    "docker-client": "/secrets/client.zip",
    "api-key": "/secrets/api-key",
    "edge-key": "/secrets/edge-key",
    "webhook": "none",
}
#: The variables of which a test wants to know whether a command got them.
TOLD = [
    "BY",
    "WHY",
    "MODEL",
    "RESULT",
    "TO",
    "MLFLOW_PSW",
    "REGISTRY_LOGIN_PSW",
    "SWARMLINE_KEY_FILE",
    "DOCKER_CLIENT",
    "ROLLOUT",
]
MAIN_ENV = {"SCOPE_IS": "release", "PLAN_IS": "deploy", "SWARMLINE_MLFLOW": "http://mlflow"}


@pytest.fixture(name="runs", scope="module")
def _runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every case that the tests below ask for, in one start of Java."""
    folder = tmp_path_factory.mktemp("builds")
    (folder / "bin").mkdir()
    shutil.copy(STUB, folder / "bin/make")
    source = folder / "source"
    for path in (*FILES, *LOADED):
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    cases = [_case(folder, name, **case) for name, case in CASES.items()]
    return dict(zip(CASES, evaluate(cases), strict=True))


def _case(folder: Path, name: str, file: str = "Jenkinsfile", **changes: Any) -> dict[str, Any]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    env = {"PATH": path, "BUILD_TAG": "jenkins-main-7", **MAIN_ENV, **changes.pop("env", {})}
    return {
        "act": "run",
        "file": str(folder / "source" / file),
        "source": str(folder / "source"),
        "workspace": str(folder / "workspaces" / name.replace(" ", "-")),
        "machines": 2,
        "params": {},
        "input": {"submitter": "ann", "COMMENT": "it is better"},
        "credentials": CREDENTIALS,
        "tell": TOLD,
        "env": env,
        **changes,
    }  # fmt: skip


def breaking(goal: str) -> dict[str, Any]:
    return {"env": {"BREAK": goal}}


PIPELINES = "jenkins/pipelines"
CASES: dict[str, dict[str, Any]] = {
    "main": {},
    "first of a branch": {"first": True},
    "nothing changed": {"env": {"PLAN_IS": "nothing"}},
    "documents": {"env": {"SCOPE_IS": "documents"}},
    "branch": {"env": {"SCOPE_IS": "rehearsal"}},
    "unapproved": {"params": {"APPROVE": False, "REASON": "drift"}},
    "by the clock": {"causes": ["TimerTrigger"]},
    "refused": {"input": None},
    "dry run": {"params": {"DRY_RUN": True}},
    "not to deploy": {"params": {"DEPLOY": False}},
    "unknown parameter": {"params": {"NONSENSE": "1"}},
    "data": {"file": f"{PIPELINES}/data.Jenkinsfile"},
    "data, then train": {"file": f"{PIPELINES}/data.Jenkinsfile", "params": {"RETRAIN": True}},
    "retrain": {"file": f"{PIPELINES}/retrain.Jenkinsfile", "params": {"MODEL": "one"}},
    "rollback": {"file": f"{PIPELINES}/rollback.Jenkinsfile"},
    "rollback, chosen": {
        "file": f"{PIPELINES}/rollback.Jenkinsfile",
        "params": {"CHOOSE": True},
        "input": {"TO": "r-1"},
    },
    "traffic": {"file": f"{PIPELINES}/traffic.Jenkinsfile", "params": {"MODEL": "one"}},
    "housekeeping": {"file": f"{PIPELINES}/housekeeping.Jenkinsfile"},
    **{
        f"{goal} fails": breaking(goal)
        for goal in ("check-types", "validate", "train", "gate", "image", "publish", "deploy", "confirm")
    },
}  # fmt: skip


def goals(run: dict[str, Any]) -> list[str]:
    """What was made, in order; what ran side by side sorted."""
    found = [(one["stage"] in VERIFY, " ".join(made(one["sh"]))) for one in run["ran"]]
    groups = itertools.groupby(found, key=lambda one: one[0])
    ordered = ((sorted if beside else list)(goal for _, goal in group) for beside, group in groups)
    return [goal for group in ordered for goal in group]


VERIFY = {"Format and lint", "Types", "Unit tests", "Security", "Configuration", "Data"}
CHECKS = [
    "check-security",
    "check-stack",
    "check-style check-lint",
    "check-types",
    "test-fast",
    "validate",
]
CANDIDATE = ["begin env models", "scope", *CHECKS]
BUILT = [*CANDIDATE, "models", "train", "train", "gate", "export image", "audit", "publish", "plan"]
END = ["begin", "notify"]


def status(run: dict[str, Any]) -> dict[str, str]:
    return {one["stage"]: one["status"] for one in run["stages"]}


def done(run: dict[str, Any], step: str) -> list[dict[str, Any]]:
    return [one for one in run["did"] if one["step"] == step]


def test_main_goes_from_a_commit_to_a_release_that_serves(runs: dict[str, Any]) -> None:
    run = runs["main"]
    assert run["result"] == "SUCCESS", run
    assert goals(run) == [*BUILT, "begin", "deploy", "confirm promote-released", *END]


def test_the_first_build_of_a_branch_has_no_parameters_and_does_the_same(
    runs: dict[str, Any],
) -> None:
    run = runs["first of a branch"]
    assert goals(run) == goals(runs["main"]) and len(done(run, "input")) == 1
    (image,) = (one for one in run["ran"] if one["sh"] == "make export image")
    assert image["env"]["ROLLOUT"] == "replace"


def test_models_are_trained_side_by_side_each_by_its_name(runs: dict[str, Any]) -> None:
    trained = [one["env"]["MODEL"] for one in runs["main"]["ran"] if "make train" in one["sh"]]
    assert sorted(trained) == ["one", "two"]


def test_who_approved_and_why_reach_the_deploy_and_no_agent_waits(runs: dict[str, Any]) -> None:
    (deploy,) = (one for one in runs["main"]["ran"] if one["sh"] == "make deploy")
    assert (deploy["env"]["BY"], deploy["env"]["WHY"]) == ("ann", "it is better")
    (asked,) = done(runs["main"], "input")
    assert asked["agent"] is None


def test_a_release_is_fetched_where_another_machine_deploys_it(runs: dict[str, Any]) -> None:
    machines = {one["sh"]: one["machine"] for one in runs["main"]["ran"]}
    assert machines["make publish"] != machines["make deploy"]


@pytest.mark.parametrize(
    ("secret", "stages"),
    [
        ("MLFLOW_PSW", {"Train", "Image", "Fetch", "Deploy", "Confirm"}),
        ("REGISTRY_LOGIN_PSW", {"Publish", "Plan", "Deploy"}),
        ("DOCKER_CLIENT", {"Image", "Publish", "Plan", "Fetch", "Deploy", "Confirm"}),
        ("SWARMLINE_KEY_FILE", {"Plan", "Fetch", "Deploy", "Confirm"}),
    ],
)
def test_a_secret_is_bound_where_it_is_needed_and_nowhere_else(
    runs: dict[str, Any], secret: str, stages: set[str]
) -> None:
    assert {one["stage"] for one in runs["main"]["ran"] if secret in one["env"]} == stages


def test_with_nothing_new_nobody_is_asked_and_nothing_is_deployed(runs: dict[str, Any]) -> None:
    run = runs["nothing changed"]
    assert done(run, "input") == []
    assert goals(run) == [*BUILT, "begin", "confirm promote-released", *END]


def test_documents_alone_are_checked_and_no_more(runs: dict[str, Any]) -> None:
    assert goals(runs["documents"]) == [*CANDIDATE, *END]


def test_a_branch_ends_after_the_gate_without_a_secret(runs: dict[str, Any]) -> None:
    run = runs["branch"]
    assert goals(run) == [*CANDIDATE, "train gate", *END]
    assert all("MLFLOW_PSW" not in one["env"] for one in run["ran"])


@pytest.mark.parametrize("case", ["unapproved", "by the clock"])
def test_nobody_is_asked_where_nobody_should_be(runs: dict[str, Any], case: str) -> None:
    assert done(runs[case], "input") == [] and status(runs[case])["Deploy"] == "done"


def test_without_an_approval_the_ledger_gets_build_and_reason(runs: dict[str, Any]) -> None:
    (deploy,) = (one for one in runs["unapproved"]["ran"] if one["sh"] == "make deploy")
    assert (deploy["env"]["BY"], deploy["env"]["WHY"]) == ("jenkins-main-7", "drift")


def test_a_refusal_aborts_deploys_nothing_and_is_reported(runs: dict[str, Any]) -> None:
    run = runs["refused"]
    assert run["result"] == "ABORTED" and goals(run) == [*BUILT, *END]
    assert run["description"].startswith("ABORTED")


@pytest.mark.parametrize(("case", "last"), [("dry run", "audit"), ("not to deploy", "publish")])
def test_parameters_end_it_earlier(runs: dict[str, Any], case: str, last: str) -> None:
    assert runs[case]["result"] == "SUCCESS" and goals(runs[case])[-3:] == [last, *END]


@pytest.mark.parametrize(
    ("case", "stage"),
    [
        ("check-types fails", "Types"),
        ("validate fails", "Data"),
        ("train fails", "Train"),
        ("gate fails", "Gate"),
        ("image fails", "Image"),
        ("publish fails", "Publish"),
        ("deploy fails", "Deploy"),
        ("confirm fails", "Confirm"),
    ],
)
def test_what_fails_is_red_and_ends_it_with_a_report(
    runs: dict[str, Any], case: str, stage: str
) -> None:
    run = runs[case]
    assert (run["result"], status(run)[stage]) == ("FAILURE", "failed")
    assert goals(run)[-1] == "notify" and run["ran"][-1]["env"]["RESULT"] == "FAILURE"
    assert case == "confirm fails" or "confirm promote-released" not in goals(run)
    (mail,) = done(run, "emailext")
    assert (mail["subject"], mail["body"]) == ("FAILURE subject\n", "FAILURE mail\n")


def test_a_parameter_that_is_not_declared_is_refused(runs: dict[str, Any]) -> None:
    assert runs["unknown parameter"]["result"] == "MODEL"


def test_data_are_checked_and_retraining_is_started_when_asked(runs: dict[str, Any]) -> None:
    assert goals(runs["data"]) == ["begin env models", "validate", "notify"]
    assert done(runs["data"], "build") == []
    (started,) = done(runs["data, then train"], "build")
    assert (started["job"], started["wait"]) == ("retrain", False)
    assert started["parameters"]["REASON"] == "new data, jenkins-main-7"


def test_a_retraining_is_a_build_of_the_main_pipeline(runs: dict[str, Any]) -> None:
    (started,) = done(runs["retrain"], "build")
    assert (started["job"], started["wait"]) == ("deliver/main", True)
    assert started["parameters"] == {
        "MODEL": "one",
        "REASON": "scheduled",
        "FORCE": False,
        "APPROVE": False,
    }
    known = {one["name"] for one in linted()["Jenkinsfile"]["parameters"]}
    assert set(started["parameters"]) <= known


def test_one_click_rolls_back_one(runs: dict[str, Any]) -> None:
    run = runs["rollback"]
    assert (run["result"], goals(run)) == ("SUCCESS", ["begin rollback", "notify"])
    assert run["ran"][0]["env"]["TO"] == ""


def test_a_release_can_be_chosen_from_the_ledger(runs: dict[str, Any]) -> None:
    run = runs["rollback, chosen"]
    assert goals(run) == ["releases", "begin rollback", "notify"]
    assert done(run, "input")[0]["choices"] == ["r-2\nr-1"]
    assert run["ran"][1]["env"]["TO"] == "r-1"


def test_the_night_prunes_backs_up_and_tries_the_backup(runs: dict[str, Any]) -> None:
    assert goals(runs["housekeeping"]) == [
        "begin prune",
        "backup",
        "audit",
        "restore-test",
        "notify",
    ]


def test_no_secret_is_in_a_log(runs: dict[str, Any]) -> None:
    assert not [name for name, run in runs.items() if "-secret" in run["log"]]
