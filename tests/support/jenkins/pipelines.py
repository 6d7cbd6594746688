"""Pipeline files checked and run by the Groovy of Jenkins, on a model of its declarative language: model/*.groovy."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import ROOT
from tests.support.jenkins import HERE
from tests.support.jenkins.groovy import groovy

MAIN = HERE / "model/main.groovy"
FILES = [ROOT / "Jenkinsfile", *sorted((ROOT / "jenkins/pipelines").glob("*.Jenkinsfile"))]
#: Starts in half the time; nothing here runs long enough for a better compiler.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
LOADED = sorted((ROOT / "jenkins/pipelines").glob("*.groovy"))


def evaluate(cases: Sequence[dict[str, Any]], seconds: float = 300.0) -> list[dict[str, Any]]:
    """What came of each case; one start of Java for all of them."""
    with tempfile.TemporaryDirectory() as folder:
        questions, answers = Path(folder, "cases.json"), Path(folder, "outcomes.json")
        questions.write_text(json.dumps(list(cases)), encoding="utf-8")
        done = groovy(MAIN, str(questions), str(answers), seconds=seconds, JAVA_OPTS=QUICK)
        assert done.returncode == 0, done.stdout + done.stderr
        outcomes: list[dict[str, Any]] = json.loads(answers.read_text(encoding="utf-8"))
        return outcomes


def lint(text: str, whole: bool = True) -> dict[str, Any]:
    return {"act": "lint", "text": text, "whole": whole}
