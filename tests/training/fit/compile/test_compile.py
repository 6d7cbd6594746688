"""Compiling: what is proven equal, and what falls back to skops."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeRegressor

from service.bundle.contract import Contract
from service.bundle.engines import Answer, UntrustedModel, open_engine
from training.fit.candidates.pipeline import make_pipeline as candidate_pipeline
from training.fit.candidates.resolve import SHORT_NAMES
from training.fit.compile.compile import compare, compile_pipeline, to_onnx_bytes
from training.judge.result import TrainingResult

CANDIDATES = sorted(SHORT_NAMES)


def fitted(result: TrainingResult, name: str) -> Pipeline:
    matrix, target = result.dataset.train
    return candidate_pipeline(result.spec, result.dataset.contract, name, matrix).fit(
        matrix, target
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_candidate_compiles_and_answers_as_its_pipeline(
    request: pytest.FixtureRequest, tmp_path: Path, task: str, name: str
) -> None:
    result: TrainingResult = request.getfixturevalue(task)
    compiled = compile_pipeline(fitted(result, name), result.dataset.held_out, tmp_path / "model")
    assert compiled.engine_name == "onnx", compiled.fallback
    assert compiled.equality.proven
    again = compiled.engine.predict(result.dataset.held_out)
    assert compiled.answer.values.tolist() == again.values.tolist()


def test_what_does_not_compile_falls_back_to_skops_and_says_why(
    regression: TrainingResult, tmp_path: Path
) -> None:
    train = regression.dataset.train
    pipeline = make_pipeline(HistGradientBoostingRegressor()).fit(*train)
    compiled = compile_pipeline(pipeline, regression.dataset.held_out, tmp_path / "model")
    assert compiled.engine_name == "skops"
    assert "cannot be converted" in compiled.fallback
    assert compiled.equality.largest == 0.0


def test_an_engine_that_answers_otherwise_is_not_served(
    regression: TrainingResult, tmp_path: Path
) -> None:
    pipeline = fitted(regression, "linear")
    other = fitted(regression, "extra-trees")
    compiled = compile_pipeline(
        pipeline,
        regression.dataset.held_out,
        tmp_path / "model",
        convert=lambda _, matrix: to_onnx_bytes(other, matrix),
    )
    assert compiled.engine_name == "skops"
    assert compiled.fallback.startswith("not equal: largest difference")


def test_one_label_that_differs_is_enough_to_refuse() -> None:
    chances = np.array([[0.6, 0.4], [0.9, 0.1]], dtype=np.float32)
    equality = compare(Answer(np.array([0, 0]), chances), Answer(np.array([1, 0]), chances))
    assert not equality.proven
    assert "1 labels differ" in str(equality)


def test_a_label_that_rounding_decides_is_no_difference() -> None:
    chances = np.array([[0.5, 0.5], [0.9, 0.1]], dtype=np.float32)
    answers = [Answer(np.array(labels), chances) for labels in ([0, 0], [1, 0])]
    assert compare(*answers).proven
    assert not compare(*answers, threshold=0.4).proven


def test_a_skops_file_with_foreign_types_is_refused(tmp_path: Path) -> None:
    from skops import io  # pylint: disable=import-outside-toplevel

    io.dump({"tree": DecisionTreeRegressor(), "foreign": Path("x")}, tmp_path / "model.skops")
    with pytest.raises(UntrustedModel, match="holds .*Path"):
        open_engine("skops", tmp_path)


def test_a_contract_survives_json(regression: TrainingResult) -> None:
    contract = regression.dataset.contract
    assert msgspec.json.decode(msgspec.json.encode(contract), type=Contract) == contract


def test_large_numbers_are_not_equal_because_their_squares_are_infinite() -> None:
    expected = Answer(np.array([[1e30], [2e30]], dtype=np.float32))
    assert not compare(expected, Answer(expected.values * np.float32(1.01))).proven
