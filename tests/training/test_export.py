"""Export: what is proven, what falls back, and what a bundle holds."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from service.bundle.contract import Contract
from service.bundle.encoder import Encoder
from service.bundle.engines import Answer, UntrustedModel, open_engine, predict_with
from service.bundle.exported import check_golden, load_bundle, load_models
from service.bundle.manifest import BundleError, DamagedBundle, Manifest
from tests.training.conftest import FactsOf
from training.fit import candidates, compile
from training.judge.result import Facts
from training.registry import register

CANDIDATES = sorted(set(candidates.CANDIDATES) - {"histogram-gradient-boosting"})


def fitted(facts: Facts, name: str) -> candidates.Pipeline:
    return candidates.make_pipeline(name, facts.dataset.contract, 1).fit(*facts.dataset.train)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_candidate_compiles_and_answers_as_its_pipeline(
    request: pytest.FixtureRequest, tmp_path: Path, task: str, name: str
) -> None:
    facts: Facts = request.getfixturevalue(task)
    compiled = compile.compile_pipeline(
        fitted(facts, name), facts.dataset.held_out, tmp_path / "model"
    )
    assert compiled.engine_name == "onnx", compiled.fallback
    assert compiled.equality.proven


def test_what_does_not_compile_falls_back_to_skops_and_says_why(
    regression: Facts, tmp_path: Path
) -> None:
    pipeline = fitted(regression, "histogram-gradient-boosting")
    compiled = compile.compile_pipeline(pipeline, regression.dataset.held_out, tmp_path / "model")
    assert compiled.engine_name == "skops"
    assert "cannot be converted" in compiled.fallback
    assert compiled.equality.largest == 0.0


def test_an_engine_that_answers_otherwise_is_not_served(
    regression: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = fitted(regression, "linear")
    other = fitted(regression, "extra-trees")
    right = compile._onnx
    monkeypatch.setattr(compile, "_onnx", lambda _, matrix: right(other, matrix))
    compiled = compile.compile_pipeline(pipeline, regression.dataset.held_out, tmp_path / "model")
    assert compiled.engine_name == "skops"
    assert compiled.fallback.startswith("not equal: largest difference")


def test_one_label_that_differs_is_enough_to_refuse() -> None:
    chances = np.array([[0.5, 0.5], [0.9, 0.1]], dtype=np.float32)
    equality = compile.compare(Answer(np.array([0, 0]), chances), Answer(np.array([1, 0]), chances))
    assert not equality.proven
    assert "1 labels differ" in str(equality)


def test_a_bundle_holds_all_that_serving_needs(
    regression: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARMLINE_TRAINED", str(tmp_path))
    bundle = load_bundle(register.write_bundle(regression._replace(version="7", run_id="abc")))
    assert (bundle.manifest.model, bundle.manifest.version, bundle.manifest.run_id) == (
        "plants",
        "7",
        "abc",
    )
    assert check_golden(bundle) == []
    assert bundle.reference()["rows"] == len(regression.dataset.split.train)
    (tmp_path / "aliases.json").write_text('{"plants": {"champion": "7"}}', encoding="utf-8")
    assert load_models(tmp_path)["plants"].champion.manifest == bundle.manifest


@pytest.mark.parametrize(
    "name", ["model.onnx", "contract.json", "reference.json", "golden.json", "card.html"]
)
def test_a_bundle_with_a_changed_or_missing_file_is_refused(
    regression: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SWARMLINE_TRAINED", str(tmp_path))
    folder = register.write_bundle(regression._replace(version="7"))
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(DamagedBundle, match=f"{name} is not the file that was exported"):
        load_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(DamagedBundle, match=f"{name} is missing; export the bundle again"):
        load_bundle(folder)


def test_a_manifest_that_vouches_for_less_than_is_needed_is_refused(
    regression: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARMLINE_TRAINED", str(tmp_path))
    folder = register.write_bundle(regression._replace(version="7"))
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    files = {name: digest for name, digest in manifest.files.items() if name != "model.onnx"}
    (folder / "manifest.json").write_bytes(
        compile.pretty(msgspec.structs.replace(manifest, files=files))
    )
    with pytest.raises(BundleError, match=r"vouches for no model\.onnx"):
        load_bundle(folder)


def test_a_skops_file_with_foreign_types_is_refused(tmp_path: Path) -> None:
    from skops import io  # pylint: disable=import-outside-toplevel

    io.dump({"tree": DecisionTreeRegressor(), "foreign": Path("x")}, tmp_path / "model.skops")
    with pytest.raises(UntrustedModel, match="holds .*Path"):
        open_engine("skops", tmp_path)


def test_no_sensitive_value_of_the_data_reaches_the_bundle(
    facts_of: FactsOf, tmp_path: Path, spec_of: object
) -> None:
    sensitive = spec_of(columns={"light": {"sensitive": True, "example": 4.5}})  # type: ignore[operator]
    facts = facts_of(sensitive)
    rows = register.golden_rows(facts)
    assert {row["light"] for row in rows} == {4.5}


def test_golden_rows_are_spread_over_the_truth(regression: Facts) -> None:
    encoder = Encoder(regression.dataset.contract)
    answers = predict_with(
        regression.chosen.pipeline, encoder.encode_rows(register.golden_rows(regression))
    ).values
    truth = regression.dataset.target
    assert np.ptp(answers) > 0.3 * np.ptp(truth)


def test_a_contract_survives_json(regression: Facts) -> None:
    contract = regression.dataset.contract
    assert msgspec.json.decode(msgspec.json.encode(contract), type=Contract) == contract


def test_large_numbers_are_not_equal_because_their_squares_are_infinite() -> None:
    expected = Answer(np.array([[1e30], [2e30]], dtype=np.float32))
    assert not compile.compare(expected, Answer(expected.values * np.float32(1.01))).proven
