"""The smoke test's own judgement: what counts as served as exported."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.edge.__main__ import main
from scripts.edge.smoke import differences, golden_rows, is_same, smoke


def write_bundles(root: Path, **aliases: dict[str, str]) -> Path:
    """The bundles that these aliases name, with no more to them than a smoke test asks for."""
    golden = {"rows": [{"x": 1.0}, {"x": 2.0}], "predictions": [1.5, 2.5], "tolerance": 1e-4}
    text = json.dumps(golden).encode()
    files = {"golden.json": hashlib.sha256(text).hexdigest()}
    for model, version in {
        (model, number) for model, arms in aliases.items() for number in arms.values()
    }:
        folder = root / model / version
        folder.mkdir(parents=True)
        (folder / "golden.json").write_bytes(text)
        facts = {"run_id": "r", "data_fingerprint": "d", "git_commit": "c", "files": files}
        (folder / "manifest.json").write_text(
            json.dumps({"model": model, "version": version, **facts})
        )
    (root / "aliases.json").write_text(json.dumps(aliases))
    return root


def tried(root: Path) -> list[tuple[str, str, str]]:
    return [(rows.model, rows.version, rows.arm) for rows in golden_rows(root)]


def test_both_arms_are_tried_where_they_differ(tmp_path: Path):
    root = write_bundles(
        tmp_path,
        b={"champion": "1", "challenger": "1"},
        a={"champion": "1", "challenger": "2"},
    )
    assert tried(root) == [("a", "1", "champion"), ("a", "2", "challenger"), ("b", "1", "champion")]


def test_what_no_alias_names_is_no_champion(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = write_bundles(tmp_path, a={"champion": "1"}, b={"champion": "2"})
    (root / "aliases.json").write_text('{"a": {"champion": "1"}}')
    assert main(["smoke", "--bundles", str(root)]) == 1
    assert "no alias in aliases.json names b/2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("good", "good"),
        (0.5, 0.50004),
        (1e6, 1e6 + 50),
        ([0.1, 0.9], [0.10001, 0.89999]),
        ([["a"], 1], [["a"], 1.0]),
        ([0.1], 0.1),
    ],
)
def test_what_is_as_exported(expected: Any, got: Any):
    assert is_same(expected, got, 1e-4)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("good", "bad"),
        ("1", 1),
        (0.5, 0.501),
        (0.5, None),
        (0.5, "0.5"),
        (0.5, float("nan")),
        ([0.1, 0.9], [0.1]),
        ([0.1, 0.2], 0.1),
        ([0.1], 0.2),
    ],
)
def test_what_is_not_as_exported(expected: Any, got: Any):
    assert not is_same(expected, got, 1e-4)


def test_missing_probabilities_are_a_difference():
    golden = {"predictions": ["a"], "probabilities": [[0.2, 0.8]]}
    (difference,) = differences(golden, {"predictions": ["a"]})
    assert difference.startswith("probabilities: None")


def test_a_difference_names_the_golden_row():
    golden = {"predictions": [1.0, 2.0, 3.0], "probabilities": None}
    assert list(differences(golden, {"predictions": [1.0, 2.5, 3.0]})) == [
        "golden row 1, predictions: 2.5, expected 2.0"
    ]


def test_no_service_is_no_answer(tmp_path: Path):
    # Port 9 of loopback: nothing listens there.
    (verdict,) = smoke("http://127.0.0.1:9", write_bundles(tmp_path, a={"champion": "1"}))
    assert verdict.problem.startswith("no answer")


def test_no_bundle_at_all_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["smoke", "--bundles", str(tmp_path)]) == 1
    assert "there is no bundle" in capsys.readouterr().err
