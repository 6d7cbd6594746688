"""The README is short, its commands exist, its spec is one, and its defaults are the real ones."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from service.bundle.rows.encoder import Encoder
from tests.support import ROOT
from tests.test_documents import CODE, FENCE, targets_named_in
from training.common import state
from training.spec.load import find, parse
from training.spec.values import Spec

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```toml\n(.*?)```", README, re.S)


def _make(*words: str) -> str:
    command = ["make", *words]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout


def _listed() -> str:
    """What bare `make` lists, and each `make help-GROUP` that it names."""
    first = _make()
    groups = re.findall(r"help-[a-z]+", first)
    return "\n".join([first, *map(_make, groups)])


@pytest.fixture(name="example")
def _example() -> str:
    assert EXAMPLE is not None
    return EXAMPLE[1]


def test_it_is_below_150_lines():
    assert len(README.splitlines()) < 150


def test_make_lists_each_target_of_the_readme_with_a_line():
    lines = dict(re.findall(r"^  ([a-z-]+) +(\S.*)$", _listed(), re.M))
    spans = CODE.findall(FENCE.sub("", README))
    assert {"run", "watch"} <= set(targets_named_in("\n".join(spans))) <= lines.keys()


def test_its_spec_is_valid_and_at_most_40_lines_long(example: str):
    spec = parse(tomllib.loads(example), "README.md", "late-delivery")
    assert isinstance(spec, Spec) and len(spec.inputs) == 5
    assert len(example.splitlines()) <= 40


def test_its_defaults_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", README, re.M))
    assert tmp_path / rows["SWARMLINE_BUILD"] == state.build()
    assert tmp_path / rows["SWARMLINE_TRAINED"] == state.trained()
    assert tmp_path / rows["SWARMLINE_BUNDLES"] == state.bundles()
    assert tmp_path / rows["SWARMLINE_REPORTS"] == state.reports()
    path = rows["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///")
    assert state.tracking_uri() == f"sqlite:///{tmp_path / path}"


def test_its_prediction_is_one_that_the_shipped_model_takes_and_answers():
    body = re.search(r"models/([\w-]+)/predict .*?-d '(.*?)'", README, re.S)
    answer = re.search(r"```json\n(.*?)```", README, re.S)
    assert body is not None and answer is not None
    contract = find(body[1]).contract()
    (row,) = json.loads(body[2])["rows"]
    matrix = Encoder(contract).encode_rows([row])
    outputs = json.loads(answer[1])["outputs"]
    assert matrix.shape == (1, len(row))
    assert outputs == [output.name for output in contract.outputs]
