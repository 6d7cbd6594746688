"""jenkins/jobs.groovy, run by Groovy against the names of Job DSL; and against the pipelines that it seeds."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, NamedTuple

import pytest
import yaml

from tests.support import ROOT
from tests.support.jenkins import HERE, casc
from tests.support.jenkins.groovy import groovy
from tests.support.jenkins.pipelines import FILES, evaluate, lint

# They need Java.
pytestmark = pytest.mark.slow

JOBS = ROOT / "jenkins/jobs.groovy"

Calls = list[dict[str, Any]]


class Mistake(NamedTuple):
    """A change of jobs.groovy, and what Job DSL says of it."""

    old: str
    new: str
    words: str


MISTAKES = [
    Mistake("discardOldItems {", "discardOlditems {", "has no method discardOlditems"),
    Mistake("interval(poll)", "intervall(poll)", "has no method intervall"),
    Mistake("lightweight(true)", "lightweight('true')", "cpsScm.lightweight takes"),
    Mistake("scriptPath(", "path(", "cpsScm has no method path"),
    Mistake("abortPrevious(false)", "description('x')", "has no method description"),
    Mistake("multibranchPipelineJob(", "multibranchJob(", "script has no method multibranchJob"),
    Mistake("branch(mainBranch)", "branch(gitBranch)", "has no property gitBranch"),
]


@functools.cache
def outcomes() -> list[dict[str, Any]]:
    """The file as it is, without credentials, and with each mistake; in one start of Java."""
    text = JOBS.read_text(encoding="utf-8")
    address = {"GIT_URL": "https://git.example/swarmline.git"}
    cases = [
        {"text": text, "variables": {**address, "GIT_CREDENTIALS": "git"}},
        {"text": text, "variables": address},
    ]
    for mistake in MISTAKES:
        assert mistake.old in text, mistake
        changed = text.replace(mistake.old, mistake.new, 1)
        cases.append({"text": changed, "variables": address})
    done = groovy(HERE / "jobdsl.groovy", str(HERE / "jobdsl.json"), json.dumps(cases))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def seeded() -> Calls:
    return outcomes()[0]["calls"]


def _all(calls: Calls, name: str) -> Calls:
    inside = [below for call in calls for below in _all(call.get("calls") or [], name)]
    return [call for call in calls if call["name"] == name] + inside


def _only(calls: Calls, name: str) -> list[Any]:
    (call,) = _all(calls, name)
    return call["arguments"]


def _jobs(seeded: Calls) -> dict[str, Calls]:
    return {call["arguments"][0]: call["calls"] for call in seeded if call["name"].endswith("Job")}


def test_there_is_a_job_for_every_pipeline_file(seeded):
    files = {file.stem for file in (ROOT / "jenkins/pipelines").glob("*.Jenkinsfile")}
    jobs = {
        _only(calls, "scriptPath")[0] for calls in _jobs(seeded).values() if _all(calls, "cpsScm")
    }
    assert jobs == {f"jenkins/pipelines/{name}.Jenkinsfile" for name in files}


def test_each_job_lies_in_the_folder_and_says_what_it_is_for(seeded):
    (folder,) = [call for call in seeded if call["name"] == "folder"]
    for name, calls in _jobs(seeded).items():
        assert name.startswith(f"{folder['arguments'][0]}/")
        assert _only(calls, "displayName")[0] and _only(calls, "description")[0]


def test_each_job_declares_the_parameters_of_its_pipeline(seeded):
    files = [file for file in FILES if file.name != "Jenkinsfile"]
    facts = evaluate([lint(file.read_text(encoding="utf-8")) for file in files])
    for file, fact in zip(files, facts, strict=True):
        parameters = _all(_jobs(seeded)[f"swarmline/{file.name.split('.')[0]}"], "parameters")
        assert _declared(parameters) == list(map(_parameter, fact["parameters"])), file.name


def _declared(parameters: Calls) -> list[tuple[str, str, str]]:
    """Kind, name and description; the defaults stand in the next test."""
    kinds = {"stringParam": "string", "booleanParam": "booleanParam", "choiceParam": "choice"}
    calls = parameters[0]["calls"] if parameters else []
    return [(kinds[call["name"]], call["arguments"][0], call["arguments"][2]) for call in calls]


def _parameter(fact: dict[str, Any]) -> tuple[str, str, str]:
    return fact["type"], fact["name"], fact["description"]


def test_each_parameter_starts_as_in_its_pipeline(seeded):
    for file in (ROOT / "jenkins/pipelines").glob("*.Jenkinsfile"):
        text = file.read_text(encoding="utf-8")
        for call in _all(_jobs(seeded)[f"swarmline/{file.stem}"], "parameters"):
            for parameter in call["calls"]:
                name, start = parameter["arguments"][:2]
                wanted = {str: f"'{start}'", bool: str(start).lower(), list: f"{start}"}[
                    type(start)
                ]
                key = "choices" if isinstance(start, list) else "defaultValue"
                assert f"name: '{name}', {key}: {wanted}," in text, f"{file.name}: {name}"


def test_each_job_runs_when_its_pipeline_says(seeded):
    for file in (ROOT / "jenkins/pipelines").glob("*.Jenkinsfile"):
        wanted = re.findall(r"cron\('([^']+)'\)", file.read_text(encoding="utf-8"))
        calls = _all(_jobs(seeded)[f"swarmline/{file.stem}"], "spec")
        assert [call["arguments"][0] for call in calls] == wanted, file.name


def test_a_job_that_starts_another_finds_it(seeded):
    started = {
        name
        for file in FILES
        for name in re.findall(r"build job: ['\"]([\w-]+)", file.read_text(encoding="utf-8"))
    }
    assert started and {f"swarmline/{name}" for name in started} <= set(_jobs(seeded))


def test_every_credential_of_the_pipelines_is_made_by_the_controller():
    files = [ROOT / "Jenkinsfile", *(ROOT / "jenkins/pipelines").glob("*")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    used = set(re.findall(r"credentials(?:Id: |\()'([\w-]+)'", text))
    document = yaml.safe_load((ROOT / "jenkins/casc.yaml").read_text(encoding="utf-8"))
    held = document["credentials"]["system"]["domainCredentials"][0]["credentials"]
    assert used and used <= {value["id"] for credential in held for value in credential.values()}


def test_every_variable_that_the_pipelines_read_is_set_by_the_controller():
    files = [ROOT / "Jenkinsfile", *(ROOT / "jenkins/pipelines").glob("*")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    used = set(re.findall(r"env\.(SWARMLINE_\w+)", text)) - {"SWARMLINE_LOG"}
    document = yaml.safe_load((ROOT / "jenkins/casc.yaml").read_text(encoding="utf-8"))
    env = document["jenkins"]["globalNodeProperties"][0]["envVars"]["env"]
    assert used and used <= {variable["key"] for variable in env}
    assert {"REGISTRY", "STACK"} <= {variable["key"] for variable in env}
    assert casc.variables(document)["SWARMLINE_MLFLOW"] == "http://mlflow:5000"


def test_every_branch_gets_a_build(seeded):
    deliver = _jobs(seeded)["swarmline/deliver"]
    assert _only(deliver, "remote") == ["https://git.example/swarmline.git"]
    assert _only(deliver, "credentialsId") == ["git"]
    assert _only(deliver, "includes") == ["*"]
    assert _only(deliver, "interval") == ["5m"]


def test_a_public_repository_needs_no_credentials():
    calls = outcomes()[1]["calls"]
    assert not _all(calls, "credentialsId") and not _all(calls, "credentials")


def test_no_job_runs_twice_at_once(seeded):
    pipelines = [calls for calls in _jobs(seeded).values() if _all(calls, "cpsScm")]
    assert pipelines and all(_only(calls, "abortPrevious") == [False] for calls in pipelines)


def test_the_user_of_the_monitor_may_start_what_it_starts_and_no_other_job(seeded):
    granted = {
        name: [
            (_only(entry["calls"], "name"), _only(entry["calls"], "permissions"))
            for entry in _all(calls, "user")
        ]
        for name, calls in _jobs(seeded).items()
        if _all(calls, "authorizationMatrix")
    }
    own = [(["retrain"], [["Job/Build"]])]
    assert granted == {"swarmline/retrain": own, "swarmline/scale": own}


def test_the_views_show_jobs_that_exist(seeded):
    names = {name.rpartition("/")[2] for name in _jobs(seeded)}
    shown = [
        set(_only(view["calls"], "names")[0:]) for view in seeded if view["name"] == "listView"
    ]
    assert shown and all(view <= names for view in shown)
    assert set().union(*shown) == names


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.new)
def test_a_name_that_job_dsl_does_not_know_is_found(mistake):
    assert mistake.words in outcomes()[2 + MISTAKES.index(mistake)]["error"]
