"""Where `make platform` says that everything is."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.platform_stack.stack import directions

ENVIRON = {"JENKINS_URL": "https://ci.example:8443/", "MLFLOW_PORT": "5443"}


def test_each_page_is_named_with_who_may_sign_in(capsys: pytest.CaptureFixture[str]) -> None:
    places = directions(ENVIRON, "ci.example", Path("secrets"))
    assert places["mlflow"] == "https://ci.example:5443"
    assert "https://ci.example:8443/ as admin" in capsys.readouterr().err


def test_a_platform_without_a_controller_names_no_address_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = directions({**ENVIRON, "CONTROLLER_REPLICAS": "0"}, "ci.example", Path("secrets"))
    assert "jenkins" not in places and "ci.example:8443" not in capsys.readouterr().err
