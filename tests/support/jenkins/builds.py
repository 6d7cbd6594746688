"""Builds with a stand-in for make: every case that the tests ask for, and what they look at."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from typing import Any

from tests.support import ROOT
from tests.support.jenkins import HERE
from tests.support.jenkins.pipelines import FILES, LOADED, evaluate
from tests.test_documents import targets_named_in

Run = dict[str, Any]
Runs = dict[str, Run]

STUB = HERE / "stub_make.sh"
CREDENTIALS = {
    "mlflow": {"user": "pipelines", "password": "mlflow-secret"},
    "registry": {"user": "pipelines", "password": "registry-secret"},
    "docker-client": "/secrets/client.zip",
    "api-key": "/secrets/api-key",
    "edge-key": "/secrets/edge-key",
    "staging-api-key": "/secrets/staging-api-key",
    "staging-edge-key": "/secrets/staging-edge-key",
    "journal": "none",
    "webhook": "none",
}
#: The variables of which a test wants to know whether a command got them.
TOLD = (
    *("BY", "WHY", "MODEL", "RESULT", "VERDICT", "TO", "ROLLOUT", "WITHDRAWN", "REPLICAS", "UNSET"),
    *("SOURCE", "OUT", "ARGS"),
    *("VERSION", "MLFLOW_PSW", "REGISTRY_LOGIN_PSW", "SWARMLINE_KEY_FILE", "DOCKER_CLIENT"),
    *(
        "STACK",
        "DOCKER_HOST",
        "PRODUCTION_DOCKER_HOST",
        "SWARMLINE_URL",
        "SWARMLINE_OUTCOME",
        "LOAD",
    ),
)
STAGED = {"STAGING_IS": "trial", "STACK": "live", "SWARMLINE_URL": "https://live"}
MAIN_ENV = {"SCOPE_IS": "release", "PLAN_IS": "deploy", "SWARMLINE_MLFLOW": "http://mlflow"}


def run_all(folder: Path) -> Runs:
    """In one start of Java."""
    (folder / "bin").mkdir()
    shutil.copy(STUB, folder / "bin/make")
    for path in (*FILES, *LOADED):
        target = folder / "source" / path.relative_to(ROOT)
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
        "input": {"submitter": "operator", "COMMENT": "it is better"},
        "credentials": CREDENTIALS,
        "tell": TOLD,
        "env": env,
        **changes,
    }  # fmt: skip


CASES: dict[str, dict[str, Any]] = {
    "main": {},
    "first of a branch": {"first": True},
    "nothing changed": {"env": {"PLAN_IS": "nothing"}},
    "documents": {"env": {"SCOPE_IS": "documents"}},
    "branch": {"env": {"SCOPE_IS": "rehearsal"}},
    "unapproved": {"params": {"APPROVE": False, "REASON": "drift"}},
    "by the clock": {"causes": ["TimerTrigger"]},
    "aborted": {"input": None},
    "rejected": {"input": {"submitter": "admin", "VERDICT": "reject", "COMMENT": "too slow"}},
    "rejected, and MLflow is down": {
        "input": {"submitter": "admin", "VERDICT": "reject"},
        "env": {"BREAK": "reject-unreleased"},
    },
    "answered by a stranger": {"input": {"submitter": "mallory"}},
    "approvers of a site": {
        "input": {"submitter": "bob"},
        "env": {"SWARMLINE_APPROVERS": "bob, releasers"},
    },
    "withdrawn": {"env": {"PLAN_IS": "withdrawn"}},
    "withdrawn, nobody asked": {"env": {"PLAN_IS": "withdrawn"}, "params": {"APPROVE": False}},
    "withdrawn, rejected again": {
        "env": {"PLAN_IS": "withdrawn"},
        "input": {"submitter": "admin", "VERDICT": "reject"},
    },
    "staging": {"env": STAGED},
    "staging, in another Swarm": {
        "env": {**STAGED, "STAGING_IS": "trial tcp://staging:2376", "DOCKER_HOST": "tcp://live:2376"}
    },
    "staging, unapproved": {"env": STAGED, "params": {"APPROVE": False}},
    "staging, red": {"env": {**STAGED, "RED_STACK": "trial"}},
    "staging, answered by a stranger": {"env": STAGED, "input": {"submitter": "mallory"}},
    "staging, rejected": {"env": STAGED, "input": {"submitter": "admin", "VERDICT": "reject"}},
    "staging, nothing changed": {"env": {**STAGED, "PLAN_IS": "nothing"}},
    "staging, withdrawn": {"env": {**STAGED, "PLAN_IS": "withdrawn"}},
    "staging, withdrawn, nobody asked": {
        "env": {**STAGED, "PLAN_IS": "withdrawn"},
        "params": {"APPROVE": False},
    },
    "staging, withdrawn, by the clock": {
        "env": {**STAGED, "PLAN_IS": "withdrawn"},
        "causes": ["TimerTrigger"],
    },
    "dry run": {"params": {"DRY_RUN": True}},
    "not to deploy": {"params": {"DEPLOY": False}},
    "unknown parameter": {"params": {"NONSENSE": "1"}},
    "data": {"file": "jenkins/pipelines/data.Jenkinsfile"},
    "data, then train": {"file": "jenkins/pipelines/data.Jenkinsfile", "params": {"RETRAIN": True}},
    "retrain elsewhere": {
        "file": "jenkins/pipelines/retrain.Jenkinsfile",
        "env": {"SWARMLINE_BRANCH": "live/eu"},
    },
    "retrain": {"file": "jenkins/pipelines/retrain.Jenkinsfile", "params": {"MODEL": "one"}},
    "retrain beside the champion": {
        "file": "jenkins/pipelines/retrain.Jenkinsfile",
        "params": {"MODEL": "one", "REASON": "InputDrift"},
        "env": {"SWARMLINE_RETRAIN_ROLLOUT": "beside"},
        "delivered": {"PLAN": "deploy"},
    },
    "retrain beside the champion, nothing new": {
        "file": "jenkins/pipelines/retrain.Jenkinsfile",
        "params": {"MODEL": "one"},
        "env": {"SWARMLINE_RETRAIN_ROLLOUT": "beside"},
        "delivered": {"PLAN": "nothing"},
    },
    "retrain beside the champion, several": {
        "file": "jenkins/pipelines/retrain.Jenkinsfile",
        "params": {"MODEL": "one two"},
        "env": {"SWARMLINE_RETRAIN_ROLLOUT": "beside"},
        "delivered": {"PLAN": "deploy"},
    },
    "rollback": {"file": "jenkins/pipelines/rollback.Jenkinsfile"},
    "rollback, chosen": {
        "file": "jenkins/pipelines/rollback.Jenkinsfile",
        "params": {"CHOOSE": True},
        "input": {"submitter": "operator", "TO": "r-1"},
    },
    "traffic": {"file": "jenkins/pipelines/traffic.Jenkinsfile", "params": {"MODEL": "one"}},
    "scale": {
        "file": "jenkins/pipelines/scale.Jenkinsfile",
        "params": {"REPLICAS": "4", "REASON": "harvest"},
    },
    "experiment": {
        "file": "jenkins/pipelines/experiment.Jenkinsfile",
        "params": {"MODEL": "one"},
        "env": {"RAMP_IS": "6"},
    },
    "experiment, not promoted": {
        "file": "jenkins/pipelines/experiment.Jenkinsfile",
        "params": {"MODEL": "one"},
        "env": {"RAMP_IS": ""},
    },
    "experiment, worse": {
        "file": "jenkins/pipelines/experiment.Jenkinsfile",
        "params": {"MODEL": "one"},
        "env": {"BREAK": "ramp", "RAMP_IS": "6"},
    },
    "score": {
        "file": "jenkins/pipelines/score.Jenkinsfile",
        "params": {"MODEL": "one", "SOURCE": "/data/$(x).csv", "OPTIONS": "--separator ;"},
    },
    "housekeeping": {"file": "jenkins/pipelines/housekeeping.Jenkinsfile"},
    "monitor": {"file": "jenkins/pipelines/monitor.Jenkinsfile"},
    "housekeeping, with a machine for tests": {
        "file": "jenkins/pipelines/housekeeping.Jenkinsfile",
        "env": {"SWARMLINE_TEST_AGENT": "bare-debian"},
    },
    "not audited": {"env": {"AUDIT_IS": "unaudited"}},
    "no report": {
        "file": "jenkins/pipelines/data.Jenkinsfile",
        "env": {"BREAK": "notify", "BUILD_URL": "http://jenkins/7/"},
    },
    **{
        f"{goal} fails": {"env": {"BREAK": goal}}
        for goal in ("check-types", "validate", "train", "gate", "image", "publish", "deploy", "confirm", "verdict")
    },
}  # fmt: skip


def goals(run: Run) -> list[str]:
    """What was made, in order; what ran side by side sorted."""
    targets = [
        (step["stage"] in VERIFY, " ".join(targets_named_in(step["sh"]))) for step in run["ran"]
    ]
    groups = itertools.groupby(targets, key=lambda target: target[0])
    ordered = ((sorted if beside else list)(goal for _, goal in group) for beside, group in groups)
    return [goal for group in ordered for goal in group]


VERIFY = {"Format and lint", "Types", "Unit tests", "Security", "Configuration", "Data"}
CHECKS = [
    *("check-security", "check-stack", "check-style check-lint", "check-types", "test-fast"),
    "validate",
]
CANDIDATE = ["begin env models", "scope", *CHECKS]
BUILT = [
    *(*CANDIDATE, "models", "train", "train", "gate", "export image", "audit"),
    *("publish", "plan", "offer", "staging"),
]
#: Where a deploy may have begun, its verdict is waited for before anything is told, on the machine that it began on.
TOLD_AT_THE_END = ["verdict", "notify"]
END = ["begin", *TOLD_AT_THE_END]
#: After a build that would have deployed, and did not.
REJECTED = ["begin", "reject-unreleased", *TOLD_AT_THE_END]


def status(run: Run) -> dict[str, str]:
    return {stage["stage"]: stage["status"] for stage in run["stages"]}


def done(run: Run, step: str) -> list[dict[str, Any]]:
    return [call for call in run["did"] if call["step"] == step]


def ran(run: Run, command: str) -> list[dict[str, Any]]:
    return [step for step in run["ran"] if step["sh"] == command]
