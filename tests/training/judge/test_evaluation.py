"""The evaluation: slices, importance, and rivals on the same rows."""

from pathlib import Path

import numpy as np
import pytest

from service.bundle.contract import Matrix
from service.bundle.engines import Answer
from service.bundle.exported import load_bundle
from tests.support.plants import ResultOf, SpecOf, dataset_of
from training.bundle.write import write_bundle
from training.judge import evaluation as judgement
from training.judge.evaluation import Evaluation, evaluate
from training.judge.result import TrainingResult
from training.judge.rivals import Rival, measure_rivals


def evaluation(result: TrainingResult) -> Evaluation:
    assert result.evaluation is not None
    return result.evaluation


def test_slices_part_the_held_out_rows(regression: TrainingResult) -> None:
    parts = evaluation(regression).slices
    assert {part.column for part in parts} == {"kind"}
    assert sum(part.rows for part in parts) == len(regression.dataset.split.held_out)


def test_numbers_are_sliced_in_quarters(spec_of: SpecOf, result_of: ResultOf) -> None:
    parts = evaluation(result_of(spec_of(slices={"columns": ["light"]}))).slices
    assert len(parts) == 4
    assert sum(part.rows for part in parts) == 60


def test_quarters_of_a_sensitive_number_name_neither_its_least_nor_its_largest(
    spec_of: SpecOf, result_of: ResultOf
) -> None:
    light = {"light": {"sensitive": True}}
    result = result_of(spec_of(columns=light, slices={"columns": ["light"]}))
    parts = evaluation(result).slices
    assert [part.rows for part in parts] == [15] * 4
    assert parts[0].value.startswith("below ") and parts[3].value.endswith(" or more")
    values, names = result.dataset.held_out[:, 1], " ".join(part.value for part in parts)
    assert f"{values.min():g}" not in names and f"{values.max():g}" not in names


def test_a_slice_of_few_rows_is_not_measured(spec_of: SpecOf, result_of: ResultOf) -> None:
    slices = {"columns": ["kind"], "minimum_rows": 1000}
    assert evaluation(result_of(spec_of(slices=slices))).slices == ()


def test_a_column_that_decides_is_the_most_important(regression: TrainingResult) -> None:
    columns = evaluation(regression).importance
    assert columns[0].column == "light" and columns[0].mean > 0.1
    assert abs(next(each for each in columns if each.column == "watered").mean) < 0.05


def test_rows_that_a_shuffle_leaves_alone_are_not_asked_again(
    regression: TrainingResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def predict(matrix: Matrix) -> Answer:
        asked.append(len(matrix))
        return regression.fitted.predict(matrix)

    def important() -> dict[str, float]:
        found = judgement._importance(regression.spec, regression.dataset, predict)
        return {each.column: each.mean for each in found}

    few = important()
    rows_of_few = sum(asked)
    asked.clear()
    monkeypatch.setattr(judgement, "_differs", lambda before, _: np.full(len(before), True))
    assert few == pytest.approx(important())
    assert rows_of_few < sum(asked)


def test_the_average_explains_nothing(regression: TrainingResult) -> None:
    (simplest,) = evaluation(regression).rivals
    assert simplest.name == "mean"
    assert simplest.metrics["r2"] <= 0


def test_a_champion_is_measured_on_the_same_rows(
    regression: TrainingResult, tmp_path: Path
) -> None:
    champion = load_bundle(write_bundle(regression, "a card", tmp_path / "bundle"))
    judged = evaluate(regression.spec, regression.dataset, regression.fitted, champion)
    assert judged.champion == pytest.approx(
        {name: interval.value for name, interval in judged.metrics.items()}
    )


def test_a_champion_of_other_quantiles_is_measured_by_its_number_alone(
    spec_of: SpecOf, regression: TrainingResult, tmp_path: Path
) -> None:
    champion = load_bundle(write_bundle(regression, "a card", tmp_path / "bundle"))
    others = spec_of(target={"intervals": [0.2, 0.8]}).contract()
    engine = champion.engine

    class Wider:  # pylint: disable=too-few-public-methods
        def predict(self, matrix: Matrix) -> Answer:
            values = engine.predict(matrix).values
            return Answer(np.hstack([values, values - 1, values + 1]))

    spec = spec_of(target={"intervals": [0.1, 0.9]})
    wider = champion._replace(contract=others, engine=Wider())
    rival = measure_rivals(spec, dataset_of(spec), regression.fitted, wider)[-1]
    assert rival.name == "champion"
    assert "coverage" not in rival.metrics and rival.metrics["r2"] > 0.5


def test_a_linear_model_that_cannot_learn_the_rows_is_no_rival(
    spec_of: SpecOf, regression: TrainingResult, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = regression.fitted
    other = fitted._replace(chosen=fitted.chosen._replace(candidate="extra-trees"))
    spec = spec_of(target={"transform": "log"})
    assert [rival.name for rival in measure_rivals(spec, dataset_of(spec), other, None)] == ["mean"]
    assert "a linear model cannot learn these rows: " in capsys.readouterr().err


def test_a_champion_of_other_classes_is_no_rival(
    classes_of: SpecOf, result_of: ResultOf, regression: TrainingResult, tmp_path: Path
) -> None:
    champion = load_bundle(write_bundle(regression, "a card", tmp_path / "bundle"))
    other = result_of(classes_of())
    assert evaluate(other.spec, other.dataset, other.fitted, champion).champion is None


def test_the_rows_scored_are_the_held_out_ones(regression: TrainingResult) -> None:
    truth = regression.dataset.target[regression.dataset.split.held_out]
    assert np.array_equal(evaluation(regression).scored.truth, truth)
    assert isinstance(evaluation(regression).rivals[0], Rival)
