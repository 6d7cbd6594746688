"""A step of `make up` is a command of its own: with its own words, and its own exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.operate.up import StepFailed, run_step

STEP = """
import json, os, sys
json.dump([sys.argv[1:], dict(os.environ)], open("step.json", "w"))
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture(name="place")
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "step.py").write_text(STEP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_gets_its_own_words_and_none_that_were_said_to_make_up(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKEFLAGS", "-- ARGS=--said-to-up YES=1")
    monkeypatch.setenv("ARGS", "--said-to-up")
    run_step("secrets", ["step", "make", "--self-signed", "a $(x); b"], {"STACK": "my shop"})
    words, environ = json.loads((place / "step.json").read_bytes())
    assert words == ["make", "--self-signed", "a $(x); b"]
    assert environ["STACK"] == "my shop" and not {"ARGS", "MAKEFLAGS"} & environ.keys()


def test_a_training_that_fails_is_no_rollback(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "training.py").write_text("raise SystemExit(3)", encoding="utf-8")
    with pytest.raises(StepFailed) as failed:
        run_step("train", ["training", "train"], {})
    assert failed.value.code == 1


@pytest.mark.parametrize("code", [1, 2, 3])
def test_its_exit_code_is_that_of_make_up(
    place: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODE", str(code))
    with pytest.raises(StepFailed, match="`make deploy` did not succeed") as failed:
        run_step("deploy", ["step"], {})
    assert failed.value.code == code
