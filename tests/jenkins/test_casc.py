"""jenkins/casc.yaml against the schema that a real controller published, and against the platform's secrets."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.support import ROOT
from tests.support.jenkins import casc


@pytest.fixture
def document() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "jenkins/casc.yaml").read_text(encoding="utf-8"))


def _problems(document: dict[str, Any]) -> list[str]:
    return casc.problems(casc.filled(document, {}))


def test_every_name_and_value_is_one_that_a_controller_takes(document):
    assert _problems(document) == []


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *way, last, value = path

    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in way:
            place = place[step]
        place[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_set("jenkin", {}), "jenkin: no such section"),
        (_set("jenkins", "numExecutor", 0), "jenkins: has no numExecutor"),
        (_set("jenkins", "numExecutors", "none"), "jenkins.numExecutors: integer is wanted"),
        (_set("jenkins", "mode", "ALONE"), "jenkins.mode: one of NORMAL, EXCLUSIVE"),
        (_set("jenkins", "securityRealm", {"ldp": {}}), "jenkins.securityRealm: one of"),
        (_set("jenkins", "securityRealm", "local", "allowSignup", False), "has no allowSignup"),
        (_set("jenkins", "securityRealm", "local", "users", 0, "pass", "x"), "has no pass"),
        (_set("jenkins", "crumbIssuer", "standard", "no", 1), "standard: has no no"),
        (_set("jenkins", "nodes", 0, "permanent", "label", "x"), "has no label"),
        (_set("jenkins", "nodes", 0, "permanent", "launcher", {"jnlp": {}}), "launcher: one of"),
        (_set("jenkins", "authorizationStrategy", "projectMatrix", "entry", []), "has no entry"),
        (_set("unclassified", "location", "adress", "x"), "location: has no adress"),
        (_set("unclassified", "email-ext", "mailAccount", "host", "x"), "mailAccount: has no host"),
        (_set("credentials", "system", "domain", []), "system: has no domain"),
        (_set("jobs", 0, {"path": "x"}), r"jobs[0]: one of"),
    ],
)
def test_a_wrong_name_or_value_is_found(document, change, named):
    broken = copy.deepcopy(document)
    change(broken)
    assert [problem for problem in _problems(broken) if named in problem]


def test_a_misspelt_credential_is_found(document):
    held = document["credentials"]["system"]["domainCredentials"][0]["credentials"]
    held[0]["usernamePassword"]["user"] = held[0]["usernamePassword"].pop("username")
    assert [problem for problem in _problems(document) if "has no user" in problem]


@pytest.mark.parametrize("gone", ["agentProtocols", "excludeClientIPFromCrumb", "remotingSecurity"])
def test_no_name_is_used_that_newer_controllers_refuse(gone):
    assert gone not in (ROOT / "jenkins/casc.yaml").read_text(encoding="utf-8")


def test_nobody_gets_in_without_a_login_and_only_the_administrator_configures(document):
    strategy = document["jenkins"]["authorizationStrategy"]["projectMatrix"]["entries"]
    may = {entry["user"]["name"]: set(entry["user"]["permissions"]) for entry in strategy}
    assert set(may) == {"admin", "operator", "viewer", "agent", "retrain"}
    assert may["admin"] == {"Overall/Administer"}
    assert may["viewer"] == {"Overall/Read", "View/Read", "Job/Read"}
    assert {"Job/Build", "Job/Cancel"} <= may["operator"]
    assert may["agent"] == {"Overall/Read", "Agent/Connect"}
    # What it may start stands with the job.
    assert may["retrain"] == {"Overall/Read", "Job/Read"}
    others = may["operator"] | may["viewer"] | may["agent"] | may["retrain"]
    assert not [right for right in others if "Configure" in right or "Administer" in right]


def test_everyone_who_may_do_something_has_a_password(document):
    realm = document["jenkins"]["securityRealm"]["local"]
    assert realm["allowsSignup"] is False
    strategy = document["jenkins"]["authorizationStrategy"]["projectMatrix"]["entries"]
    passwords = {user["id"]: user["password"] for user in realm["users"]}
    assert {entry["user"]["name"] for entry in strategy} == set(passwords)
    assert all(password.startswith("${") for password in passwords.values())


def test_the_controller_builds_nothing_itself(document):
    assert document["jenkins"]["numExecutors"] == 0
    agent = document["jenkins"]["nodes"][0]["permanent"]
    assert (agent["labelString"], agent["name"]) == ("docker", "docker")
    assert document["jenkins"]["slaveAgentPort"] == -1


def test_the_file_holds_no_secret_itself(document):
    for credential in document["credentials"]["system"]["domainCredentials"][0]["credentials"]:
        ((_, held),) = credential.items()
        secret = held.get("password") or held.get("secret") or held.get("secretBytes")
        assert casc.secrets(secret), f"{held['id']} has its secret in the file"


def test_who_may_approve_exists_and_may_start_builds(document):
    """The pipelines' own default is the same, for a controller that was set up otherwise."""
    approvers = casc.variables(document)["SWARMLINE_APPROVERS"]
    entries = document["jenkins"]["authorizationStrategy"]["projectMatrix"]["entries"]
    rights = {entry["user"]["name"]: set(entry["user"]["permissions"]) for entry in entries}
    for name in approvers.split(","):
        assert rights[name] & {"Overall/Administer", "Job/Build"}
    for file in ("Jenkinsfile", "jenkins/pipelines/rollback.Jenkinsfile"):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"submitter: env.SWARMLINE_APPROVERS ?: '{approvers}'" in text
