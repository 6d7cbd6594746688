"""Calibration, threshold, transformed targets and intervals: each acts, and each is compiled into the answer."""

from __future__ import annotations

import numpy as np
import pytest

from service.bundle.engines import predict_with
from tests.support.plants import ResultOf, SpecOf, dataset_of, plants
from training.common.errors import TrainingError
from training.fit.candidates.pipeline import make_pipeline
from training.fit.finish.calibrate import AS_IT_IS, apply_curves, fit_curves
from training.fit.finish.finish import finish
from training.fit.finish.threshold import choose_threshold
from training.fit.fit import fit
from training.fit.search.folds import folds_of
from training.judge.result import TrainingResult
from training.metrics.metric import Scored, measure
from training.metrics.tasks import METRICS
from training.spec.target import ThresholdGoal

RANDOM = np.random.default_rng(5)
#: A model that is too sure: the odds that it gives are three times as far from even as the true ones.
ODDS = RANDOM.normal(size=4000)
TRUE = RANDOM.random(4000) < 1 / (1 + np.exp(-ODDS))
GIVEN = 1 / (1 + np.exp(-3 * ODDS))
BOTH = np.column_stack([1 - GIVEN, GIVEN])


def served_as_trained(result: TrainingResult) -> bool:
    compiled, held_out = result.fitted.compiled, result.dataset.held_out
    assert compiled is not None and compiled.engine_name == "onnx", compiled
    trained = predict_with(result.fitted.finished.estimator, held_out)
    served = compiled.engine.predict(held_out)
    return compiled.equality.proven and np.allclose(served.values, trained.values, rtol=1e-3)


@pytest.mark.parametrize("method", ["isotonic", "sigmoid"])
def test_calibrated_probabilities_are_as_often_right_as_they_say(method: str) -> None:
    curves = fit_curves(method, BOTH[:2000], TRUE[:2000].astype(int))  # type: ignore[arg-type]
    after = apply_curves(BOTH[2000:], curves)
    error = {
        name: measure(METRICS["classification"], Scored(TRUE[2000:], part.argmax(axis=1), part))[
            "ece"
        ]
        for name, part in (("before", BOTH[2000:]), ("after", after))
    }
    assert error["before"] > 0.1
    assert error["after"] < 0.04
    assert after.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("method", ["isotonic", "sigmoid"])
def test_a_model_that_says_nothing_is_left_as_it_is(method: str) -> None:
    noise = np.column_stack([1 - GIVEN, GIVEN])[::-1][:60]
    curves = fit_curves(method, noise, np.zeros(60, int))  # type: ignore[arg-type]
    assert curves == (AS_IT_IS,)


def test_of_many_classes_the_calibrated_probabilities_have_the_sum_1() -> None:
    before = RANDOM.dirichlet(np.ones(3), 1000)
    truth = np.array([RANDOM.choice(3, p=row) for row in before])
    after = apply_curves(before, fit_curves("isotonic", before, truth))
    assert after.sum(axis=1) == pytest.approx(1)
    nothing = apply_curves(before, tuple(AS_IT_IS._replace(true=(0.0, 0.0)) for _ in range(3)))
    assert nothing == pytest.approx(1 / 3)


def reached(threshold: float) -> tuple[float, float]:
    """Recall and precision at a threshold."""
    called = GIVEN >= threshold
    return float((called & TRUE).sum() / TRUE.sum()), float((called & TRUE).sum() / called.sum())


def test_a_threshold_reaches_the_stated_recall_with_as_few_mistakes_as_possible() -> None:
    threshold = choose_threshold(ThresholdGoal(recall=0.9), GIVEN, TRUE)
    assert reached(threshold)[0] >= 0.9 > reached(threshold + 0.01)[0]


def test_a_threshold_reaches_the_stated_precision_and_finds_as_much_as_possible() -> None:
    threshold = choose_threshold(ThresholdGoal(precision=0.8), GIVEN, TRUE)
    assert reached(threshold)[1] >= 0.8
    assert reached(threshold)[0] > reached(threshold + 0.05)[0]


def test_a_precision_that_nothing_reaches_is_refused() -> None:
    with pytest.raises(TrainingError, match="no threshold reaches more than 0.5"):
        choose_threshold(ThresholdGoal(precision=0.9), np.full(100, 0.3), np.arange(100) % 2 == 0)


@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy", "accuracy"])
def test_no_threshold_has_a_greater_metric_than_the_one_that_is_chosen(metric: str) -> None:
    rare = RANDOM.random(4000) < GIVEN**3
    goal = ThresholdGoal(maximise=metric)  # type: ignore[arg-type]
    chosen = choose_threshold(goal, GIVEN, rare)
    values = {
        threshold: measure(
            METRICS["classification"],
            Scored(rare.astype(int), (GIVEN >= threshold).astype(int), BOTH),
        )[metric]
        for threshold in [chosen, *np.linspace(0.02, 0.98, 25)]
    }
    assert max(values.values()) == values[chosen]


def test_the_threshold_is_in_the_served_answer_and_in_the_contract(
    classes_of: SpecOf, result_of: ResultOf
) -> None:
    target = {"threshold": {"recall": 0.95}, "calibrate": "isotonic"}
    result = result_of(classes_of(target=target), plants(800))
    threshold = result.dataset.contract.threshold
    assert threshold is not None
    assert (threshold.positive, threshold.goal) == ("B", "recall of at least 0.95")
    assert result.fitted.compiled is not None
    answer = result.fitted.compiled.engine.predict(result.dataset.held_out)
    assert answer.probabilities is not None
    assert np.array_equal(answer.values == 1, answer.probabilities[:, 1] >= threshold.value)
    assert not np.array_equal(answer.values, answer.probabilities.argmax(axis=1))
    assert served_as_trained(result)


def test_a_threshold_that_is_given_is_the_threshold(
    classes_of: SpecOf, result_of: ResultOf
) -> None:
    result = result_of(classes_of(target={"threshold": {"at": 0.2}}))
    threshold = result.dataset.contract.threshold
    assert threshold is not None and threshold.value == 0.2
    assert served_as_trained(result)


def test_a_threshold_needs_both_classes_among_the_rows_that_it_is_chosen_by(
    classes_of: SpecOf, result_of: ResultOf
) -> None:
    """The last fold in order of time has none of the second."""
    rows = plants()
    rows["grade"] = np.where(rows.index % 5 == 0, "B", "A")
    rows.loc[100:, "grade"] = "A"
    spec = classes_of(data={"split": "time", "time": "day"}, target={"threshold": {"recall": 0.9}})
    with pytest.raises(TrainingError, match="none of the latest training rows is of the class B"):
        result_of(spec, rows)


def test_a_class_that_a_fold_lacks_is_calibrated_with_the_others(classes_of: SpecOf) -> None:
    spec = classes_of(target={"calibrate": "sigmoid", "classes": ["A", "B", "C"]})
    matrix = dataset_of(classes_of()).matrix
    target = (matrix[:, 1] > 5).astype(int)
    target[7] = 2
    pipeline = make_pipeline(spec, spec.contract(), "linear", matrix).fit(matrix, target)
    probabilities = finish(spec, spec.contract(), pipeline, matrix, target).estimator.predict_proba(
        matrix
    )
    assert probabilities.shape == (len(matrix), 3)
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_classes_that_make_no_folds_are_refused_in_a_sentence(classes_of: SpecOf) -> None:
    spec = classes_of(search={"folds": 5})
    with pytest.raises(TrainingError, match="plants: 8 training rows make no 5 folds .*fewer"):
        folds_of(spec, np.zeros((8, 2), np.float32), np.arange(8) % 2)


@pytest.mark.parametrize("transform", ["log", "yeo-johnson"])
def test_a_transformed_target_is_answered_in_its_own_unit(
    spec_of: SpecOf, result_of: ResultOf, transform: str
) -> None:
    """Of a target whose logarithm is a straight line, and metrics on its own scale."""
    rows = plants()
    rows["weight"] = np.exp(rows["light"] + RANDOM.normal(0, 0.1, len(rows)))
    result = result_of(spec_of(target={"transform": transform}, slices={}), rows)
    plain = result_of(spec_of(slices={}), rows)
    assert result.evaluation is not None and plain.evaluation is not None
    assert result.evaluation.metrics["r2"].value > 0.95 > plain.evaluation.metrics["r2"].value
    assert result.fitted.compiled is not None and result.fitted.compiled.engine_name == "onnx"


def test_the_logarithm_of_what_is_not_above_0_is_refused(
    spec_of: SpecOf, result_of: ResultOf, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TrainingError, match="no candidate can learn these rows"):
        result_of(spec_of(target={"transform": "log"}))
    assert "'log' takes targets above 0" in capsys.readouterr().err
    with pytest.raises(
        TrainingError, match="plants: linear cannot learn these rows: .*'log' takes"
    ):
        # A search that saw the others alone says nothing of the one.
        spec = spec_of(target={"transform": "log"})
        fit(spec, dataset_of(spec), searching=False)


def test_an_absolute_loss_heeds_large_misses_less(spec_of: SpecOf, result_of: ResultOf) -> None:
    rows = plants(600)
    rows.loc[::7, "weight"] += 300
    errors = {}
    for loss in ("squared", "absolute"):
        result = result_of(spec_of(target={"loss": loss}, gates={"metrics": {}}), rows)
        assert result.evaluation is not None
        scored = result.evaluation.scored
        errors[loss] = float(np.median(np.abs(scored.truth - scored.values)))
    assert errors["absolute"] < errors["squared"] / 4


def test_balanced_classes_find_more_of_the_rare_one(
    classes_of: SpecOf, result_of: ResultOf
) -> None:
    rows = plants(800)
    rows["grade"] = np.where(rows["weight"] + RANDOM.normal(0, 5, 800) > 16, "B", "A")
    shares = []
    for weight in ({}, {"class_weight": "balanced"}):
        result = result_of(classes_of(target=weight, gates={"metrics": {}}), rows)
        assert result.evaluation is not None
        shares.append(float(result.evaluation.scored.values.mean()))
    assert shares[1] > 2 * shares[0]


def test_an_interval_holds_its_share_of_the_truth_and_is_judged(
    spec_of: SpecOf, result_of: ResultOf
) -> None:
    spec = spec_of(target={"intervals": [0.1, 0.9]}, gates={"metrics": {"coverage": {"min": 0.6}}})
    result = result_of(spec, plants(1000))
    contract, evaluation = result.dataset.contract, result.evaluation
    assert [output.name for output in contract.outputs] == ["weight", "weight_q10", "weight_q90"]
    assert contract.levels == (0.1, 0.9)
    assert [target.name for target in contract.targets] == ["weight"]
    assert evaluation is not None and result.verdict is not None
    assert 0.68 < evaluation.metrics["coverage"].value < 0.92
    assert {"coverage", "quantile_loss"} <= evaluation.slices[0].metrics.keys()
    assert "coverage >= 0.6" in [rule.rule for rule in result.verdict.decisions]
    assert all("coverage" not in rival.metrics for rival in evaluation.rivals)
    assert served_as_trained(result)
