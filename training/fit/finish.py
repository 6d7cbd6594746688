"""What is added to the model that a search chose: calibration and threshold of classes, intervals of numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import FixedThresholdClassifier

from service.bundle.contract import Contract, Matrix, Threshold
from training.common.progress import say
from training.fit.calibrate import CalibratedClassifier, apply_curves, fit_curves
from training.fit.intervals import add_intervals
from training.fit.out_of_fold import answer_out_of_fold
from training.fit.threshold import choose_threshold
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
    unseen = answer_out_of_fold(spec, pipeline, matrix, target, _probabilities)
    truth, given = unseen
    estimator = pipeline
    if method is not None:
        curves = fit_curves(method, given, truth)
        given, estimator = apply_curves(given, curves), CalibratedClassifier(pipeline, curves)
    if goal is None:
        return Finished(estimator)
    value = choose_threshold(goal, given[:, 1], truth == 1)
    threshold = Threshold(contract.classes[1], value, str(goal))
    say(f"{spec.name}: {threshold.positive} from a probability of {value:g} on ({goal})")
    fixed = FixedThresholdClassifier(
        estimator, threshold=value, pos_label=1, response_method="predict_proba"
    )
    # Fitted as it is: `fit` would train a clone.
    fixed.estimator_ = estimator
    return Finished(fixed, threshold)


def _probabilities(fitted: Any, matrix: Matrix) -> NDArray[np.float64]:
    return np.asarray(fitted.predict_proba(matrix), dtype=np.float64)
