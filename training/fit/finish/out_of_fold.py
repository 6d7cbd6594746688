"""A model's answers to training rows that it did not learn from: what calibration, threshold and intervals go by.

On held-out rows they would be fitted to the very rows by which the model is judged.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from service.bundle.contract import Matrix
from training.fit.search.folds import folds_of
from training.metrics.metric import sample_rows
from training.spec.values import Spec


class OutOfFold(NamedTuple):
    """The truth of rows, and what models that learnt from other rows answered."""

    truth: NDArray[Any]
    answers: NDArray[np.float64]


def answer_out_of_fold(
    spec: Spec,
    model: Any,
    matrix: Matrix,
    target: NDArray[Any],
    answer: Callable[[Any, Matrix], NDArray[Any]],
) -> OutOfFold:
    """Clones of the model learn from the folds; at most as many rows as a search looks at.

    Of rows in order of time the last fold alone: a model that learnt from later rows would know too much.
    """
    rows = sample_rows(len(matrix), spec.search.rows, spec.search.seed)
    matrix, target = matrix[rows], target[rows]
    truth, answers = [], []
    with (
        threadpool_limits(1, "blas"),
        joblib.parallel_config("threading", n_jobs=joblib.cpu_count()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ConvergenceWarning)
        # The data checks have said so already.
        warnings.filterwarnings("ignore", "The least populated class")
        folds = folds_of(spec, matrix, target)
        for learnt, judged in folds[-1:] if spec.ordered else folds:
            fitted = clone(model).fit(matrix[learnt], target[learnt])
            answers.append(answer(fitted, matrix[judged]))
            truth.append(target[judged])
    return OutOfFold(np.concatenate(truth), np.concatenate(answers).astype(np.float64))
