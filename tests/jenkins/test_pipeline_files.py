"""The pipeline files are as Jenkins wants them, and a mistake in one is caught."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support import ROOT
from tests.support.jenkins.pipelines import FILES, LOADED, evaluate, lint
from tests.test_documents import targets, targets_named_in

# They need Java.
pytestmark = pytest.mark.slow


class Mutation(NamedTuple):
    """A change of Jenkinsfile that Jenkins refuses, and what it is told for."""

    old: str
    new: str
    told: str


MUTATIONS = [
    Mutation("timestamps()", "timestampz()", 'Invalid option type "timestampz"'),
    Mutation("always {", "allways {", 'Unknown post section "allways"'),
    Mutation("  agent none\n", "", 'Missing required section "agent"'),
    Mutation("stash name: 'build'", "stash nom: 'build'", 'Invalid parameter "nom" of stash'),
    Mutation("sh 'make gate'", 'sh "make gate $MLFLOW_PSW"', "sh with double quotes"),
    Mutation("sh 'make gate'", "shh 'make gate'", '"shh" is none'),
    Mutation("failFast true\n", "failFast true\n          steps { sh 'true' }\n", "Expected one of"),
    Mutation("stage('Types') {", "sh 'make x'\n            stage('Types') {", "Expected a stage"),
    Mutation("ordinal: 1", "ordinals: 1", 'Invalid parameter "ordinals" of milestone'),
    Mutation("beforeAgent true", "beforeAgnet true", 'Invalid condition "beforeAgnet"'),
    Mutation("ok: 'Answer'", "okay: 'Answer'", 'Invalid parameter "okay" of input'),
    Mutation(
        "steps { sh 'make gate' }",
        "input {\n message 'Go on?'\n okay 'Yes'\n }\n steps { sh 'make gate' }",
        'Unknown input section "okay"',
    ),
    Mutation("defaultValue: '30'", "value_: '30'", 'Invalid parameter "value_" of string'),
    Mutation("booleanParam(name: 'DEPLOY'", "bool(name: 'DEPLOY'", 'Invalid parameter type "bool"'),
    Mutation(
        "steps { sh 'make gate' }\n            }\n            stage('Image')",
        "steps { sh 'make gate' } }  stage('Image')",
        "Expected a stage",
    ),
    Mutation("SWARMLINE_LOG = 'build/log'", "SWARMLINE_LOG = 7", "must be quoted"),
    Mutation("agent { label 'docker' }", "agent { lable 'docker' }", "Invalid agent type"),
    Mutation("stage('Scan')", "stage('Image')", 'Duplicate stage name: "Image"'),
    Mutation("load 'jenkins", "loud 'jenkins", '"loud" is none'),
    Mutation("withEnv([", "withEnf([", '"withEnf" is no step'),
    Mutation("  post {\n    always {\n      node", "  post {\n    always {\n      nodes", '"nodes" is none'),
    Mutation("pipeline {", "pipeline {\n  stagez { }", 'Unknown pipeline section "stagez"'),
    Mutation("numToKeepStr: '50'", "numToKeep: '50'", 'Invalid parameter "numToKeep"'),
    Mutation("stages {\n    stage('Candidate') {", "stages {\n    stage('Candidate') {{", "Ambiguous expression"),
]  # fmt: skip


@functools.cache
def linted() -> dict[str, dict[str, Any]]:
    """Every file and every mutation, in one start of Java."""
    main = (ROOT / "Jenkinsfile").read_text(encoding="utf-8")
    cases = {path.name: lint(path.read_text(encoding="utf-8")) for path in FILES}
    cases |= {path.name: lint(path.read_text(encoding="utf-8"), whole=False) for path in LOADED}
    for mutation in MUTATIONS:
        assert mutation.old in main, mutation
        cases[mutation.new] = lint(main.replace(mutation.old, mutation.new, 1))
    return dict(zip(cases, evaluate(list(cases.values())), strict=True))


@pytest.mark.parametrize("path", FILES + LOADED, ids=lambda path: path.name)
def test_a_pipeline_is_as_jenkins_wants_it(path: Path) -> None:
    assert linted()[path.name]["errors"] == []


@pytest.mark.parametrize("path", FILES + LOADED, ids=lambda path: path.name)
def test_its_commands_are_targets_of_make(path: Path) -> None:
    for shell in linted()[path.name]["shells"]:
        assert shell.startswith("make ") and set(targets_named_in(shell)) <= targets(ROOT), shell


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_parameter_is_described(path: Path) -> None:
    assert all(
        parameter["description"].endswith(".") for parameter in linted()[path.name]["parameters"]
    )


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.new[:40])
def test_a_mistake_is_caught(mutation: Mutation) -> None:
    errors = "\n".join(linted()[mutation.new]["errors"])
    assert mutation.told in errors
