"""A lock that a killed deploy has left goes at once where it is stale, and else only if a person agrees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.engine import lock
from scripts.operate import unlock
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile


def unlocked(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert unlock.main(["--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_where_there_is_no_lock_nothing_is_done(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    assert unlocked(capsys)["unlocked"] is False
    assert not swarm.calls("config", "rm")


def test_a_lock_whose_time_has_passed_goes_at_once(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    with lock.held(NAME, "bob", "cccc", seconds=-1):
        outcome = unlocked(capsys)
        assert (outcome["unlocked"], outcome["by"], outcome["intended"]) == (True, "bob", "cccc")
        assert not swarm.is_locked


def test_a_lock_that_may_be_in_use_stays_unless_somebody_agrees(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    with lock.held(NAME, "bob", "cccc", seconds=60):
        assert unlock.main([]) == 1
        refusal = capsys.readouterr().err
        assert "stays locked: bob has been at cccc" in refusal and "YES=1" in refusal
        assert swarm.is_locked
        monkeypatch.setenv("YES", "1")
        assert unlocked(capsys)["unlocked"] is True
        assert not swarm.is_locked


def test_a_lock_that_docker_does_not_remove_is_not_said_to_be_gone(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
):
    with lock.held(NAME, "bob", "cccc", seconds=-1):
        swarm.fault("config rm", words="no leader")
        assert unlock.main([]) == 1
        assert "docker did not remove the lock" in capsys.readouterr().err
        assert swarm.is_locked
