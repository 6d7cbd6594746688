"""The user who may start trainings from outside, and no more; and its token, which a script sets at each start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from scripts.command.outcome import Refused
from scripts.platform_stack import credentials
from tests.support import ROOT
from tests.support.jenkins import HERE
from tests.support.jenkins.groovy import groovy

SCRIPT = ROOT / "jenkins/retrain_token.groovy"
TOKEN = "11" + "0a" * 16


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "text", "printed"),
    [
        ("old", TOKEN + "\n", f"true [swarmline {TOKEN}]"),
        ("new", TOKEN, f"true [swarmline {TOKEN}]"),
        ("nobody", TOKEN, "nobody"),
        ("new", "no token", "false []"),
    ],
)
def test_the_user_has_the_secrets_token_and_no_other_and_the_start_goes_on(
    tmp_path: Path, kind: str, text: str, printed: str
) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    place = {"SWARMLINE_RETRAIN_TOKEN": str(tmp_path / "token")}
    done = groovy(HERE / "token_start.groovy", str(SCRIPT), kind, **place)
    assert (done.returncode, done.stdout.strip()) == (0, printed), done.stderr
    assert TOKEN not in done.stderr


def test_the_controllers_image_runs_it_at_each_start() -> None:
    text = (ROOT / "jenkins/Dockerfile").read_text(encoding="utf-8")
    # `.override`: else a volume that has one of before keeps it.
    assert "ref/init.groovy.d/retrain-token.groovy.override" in text
    services = yaml.safe_load((ROOT / "jenkins/platform.yml").read_text(encoding="utf-8"))
    mounted = {entry["source"] for entry in services["services"]["controller"]["secrets"]}
    assert {"retrain_password", "retrain_token"} <= mounted


def test_a_token_that_jenkins_would_not_take_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    assert re.fullmatch(credentials.TOKEN, credentials.new_token())
    (tmp_path / "retrain_token").write_text("my own", encoding="utf-8")
    with pytest.raises(Refused, match="retrain_token .* 11 and 32"):
        credentials.read_token(tmp_path, {})
