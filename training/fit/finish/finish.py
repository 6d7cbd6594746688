"""What is added to the model that a search chose: calibration and threshold of classes, intervals of numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import FixedThresholdClassifier

from service.bundle.contract import Contract, Matrix, Threshold
from training.common.errors import TrainingError
from training.common.progress import say
from training.fit.finish.calibrate import CalibratedClassifier, apply_curves, fit_curves
from training.fit.finish.intervals import add_intervals
from training.fit.finish.out_of_fold import answer_out_of_fold
from training.fit.finish.threshold import choose_threshold
from training.spec.values import Spec


class Finished(NamedTuple):
    """The estimator as it is served."""

    estimator: Any
    threshold: Threshold | None = None


def finish(
    spec: Spec, contract: Contract, pipeline: Any, matrix: Matrix, target: NDArray[Any]
) -> Finished:
    """By training rows alone, and by answers to rows that the model did not learn from."""
    if spec.target.intervals:
        return Finished(add_intervals(spec, contract, pipeline, matrix, target))
    if spec.target.calibrate or spec.target.threshold:
        return _finish_classifier(spec, contract, pipeline, matrix, target)
    return Finished(pipeline)


def _finish_classifier(
    spec: Spec, contract: Contract, pipeline: Any, matrix: Matrix, target: NDArray[Any]
) -> Finished:
    method, goal = spec.target.calibrate, spec.target.threshold
    if method is None and goal is not None and goal.at is not None:
        return _decided(spec, contract, pipeline, goal.at)

    def probabilities_of(fitted: Any, rows: Matrix) -> NDArray[np.float64]:
        return _by_class(fitted, rows, len(contract.classes))

    truth, probabilities = answer_out_of_fold(spec, pipeline, matrix, target, probabilities_of)
    estimator = pipeline
    if method is not None:
        curves = fit_curves(method, probabilities, truth)
        probabilities = apply_curves(probabilities, curves)
        estimator = CalibratedClassifier(pipeline, curves)
    if goal is None:
        return Finished(estimator)
    _require_both(spec, contract, truth)
    value = choose_threshold(goal, probabilities[:, 1], truth == 1)
    return _decided(spec, contract, estimator, value)


def _decided(spec: Spec, contract: Contract, estimator: Any, value: float) -> Finished:
    """With this threshold."""
    threshold = Threshold(contract.classes[1], value, str(spec.target.threshold))
    say(f"{spec.name}: {threshold.positive} from a probability of {value:g} on ({threshold.goal})")
    fixed = FixedThresholdClassifier(
        estimator, threshold=value, pos_label=1, response_method="predict_proba"
    )
    # Fitted as it is: `fit` would train a clone.
    fixed.estimator_ = estimator
    return Finished(fixed, threshold)


def _by_class(fitted: Any, matrix: Matrix, classes: int) -> NDArray[np.float64]:
    """Probabilities by class of the contract: 0 for one of which the fold has no row, so that its model knows none."""
    probabilities = np.zeros((len(matrix), classes))
    probabilities[:, fitted.classes_] = fitted.predict_proba(matrix)
    return probabilities


def _require_both(spec: Spec, contract: Contract, truth: NDArray[Any]) -> None:
    counts = np.bincount(truth, minlength=len(contract.classes))
    if counts.min() == 0:
        rows = "the latest training rows" if spec.ordered else "the training rows that were drawn"
        raise TrainingError(
            f"{spec.name}: target.threshold: none of {rows} is of the class {contract.classes[counts.argmin()]}, so"
            " that no threshold can be chosen by them; fewer search.folds, more search.rows, or more rows of it"
        )
