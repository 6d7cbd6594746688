"""jenkins/plugins.txt: every plugin pinned to versions that ran together, and all that the files use is in it."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.support import ROOT
from tests.support.jenkins import HERE

PINNED = re.compile(r"[a-z0-9][a-z0-9-]*:[0-9][\w.-]*")
#: Newer than the list of those that ran together, from their own repositories.
NEWER = {"configuration-as-code": "2116.v98dde145b_dce", "job-dsl": "1.94"}
#: What Jenkins itself has needs no plugin.
CORE = "core"
PIPELINE = "workflow-aggregator"
#: Each word that a pipeline file may use, and the plugin that brings it.
BRINGS = {
    **dict.fromkeys(
        ("pipeline", "agent", "stages", "stage", "when", "parallel", "input"), PIPELINE
    ),
    **dict.fromkeys(("sh", "echo", "error", "script", "build", "load", "readFile"), PIPELINE),
    **dict.fromkeys(("stash", "unstash", "writeFile", "fileExists", "dir", "node"), PIPELINE),
    **dict.fromkeys(("timeout", "retry", "milestone", "withEnv", "catchError"), PIPELINE),
    **dict.fromkeys(
        ("disableConcurrentBuilds", "disableRestartFromStage", "disableResume"), PIPELINE
    ),
    **dict.fromkeys(("archiveArtifacts", "buildDiscarder", "logRotator", "cron"), CORE),
    **dict.fromkeys(("string", "booleanParam", "choice", "text", "password"), CORE),
    "checkout": "git",
    "timestamps": "timestamper",
    "junit": "junit",
    "publishHTML": "htmlpublisher",
    "cleanWs": "ws-cleanup",
    "withCredentials": "credentials-binding",
    "credentials": "credentials-binding",
    **dict.fromkeys(("emailext", "requestor", "culprits", "developers"), "email-ext"),
    "mail": "mailer",
}
#: The sections of casc.yaml, and the plugin that reads each.
READS = {
    "projectMatrix": "matrix-auth",
    "globalJobDslSecurityConfiguration": "job-dsl",
    "gitHostKeyVerificationConfiguration": "git",
    "mailer": "mailer",
    "email-ext": "email-ext",
    "usernamePassword": "credentials",
    "file": "plain-credentials",
    "string": "plain-credentials",
    "jobs": "job-dsl",
}


def _lines() -> list[str]:
    text = (ROOT / "jenkins/plugins.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _listed(lines: list[str]) -> dict[str, str]:
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _unpinned(lines: list[str]) -> list[str]:
    return [line for line in lines if not PINNED.fullmatch(line)]


def _ran_together() -> dict[str, str]:
    text = (HERE / "data/plugins-2026-06.txt").read_text(encoding="utf-8")
    return _listed(text.split()) | NEWER


def test_every_plugin_has_its_version_and_stands_once():
    assert not _unpinned(_lines())
    names = [line.split(":")[0] for line in _lines()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("line", ["git", "git:", "git:latest", "git:5.10.1 junit:1", "git: 5.10.1"])
def test_a_plugin_without_a_version_is_found(line):
    assert _unpinned([*_lines(), line]) == [line]


def test_the_versions_ran_together():
    together = _ran_together()
    assert {name: together.get(name) for name in _listed(_lines())} == _listed(_lines())


def _words() -> set[str]:
    files = [ROOT / "Jenkinsfile", *(ROOT / "jenkins/pipelines").glob("*")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    code = re.sub(r"//.*|'[^'\n]*'|\"[^\"\n]*\"", "''", text)
    return set(
        re.findall(r"^\s*(?:\w+ = )?(?:always {\s*)?([a-z]\w*)\s*(?=[({'\"]|\w+:)", code, re.M)
    ) | set(re.findall(r"\b(\w+)\(", code))


def test_every_step_of_the_pipelines_is_brought_by_a_plugin_of_the_list():
    used = _words() & set(BRINGS)
    assert {"sh", "junit", "publishHTML", "emailext", "timestamps", "withCredentials"} <= used
    lacking = {word for word in used if BRINGS[word] not in {*_listed(_lines()), CORE}}
    assert not lacking


def test_every_section_of_the_configuration_has_its_plugin():
    text = (ROOT / "jenkins/casc.yaml").read_text(encoding="utf-8")
    used = {name for name in READS if re.search(rf"^[ -]*{name}:", text, re.M)}
    assert used == set(READS)
    assert {READS[name] for name in used} <= set(_listed(_lines()))


def test_the_controller_is_a_pinned_lts():
    text = (ROOT / "jenkins/Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG JENKINS_BASE=jenkins/jenkins:\d+\.\d+\.\d+-lts-jdk21$", text, re.M)
    assert "--latest false" in text and "runSetupWizard=false" in text


def test_java_gets_its_options_whole():
    text = (ROOT / "jenkins/Dockerfile").read_text(encoding="utf-8")
    value = re.search(r'^ENV JAVA_OPTS="((?:[^"\\]|\\.|\\\n)*)"$', text, re.M | re.S)
    assert value
    # First as Docker reads the line, then as the image's start script splits it: by xargs.
    options = shlex.split(value[1].replace("\\\n", "").replace('\\"', '"'))
    assert all(option.startswith("-D") for option in options)
    policy = next(option for option in options if "CSP=" in option)
    assert policy.endswith("style-src 'self' 'unsafe-inline'") and "script-src" not in policy
