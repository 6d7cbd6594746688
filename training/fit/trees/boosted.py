"""LightGBM's trees as estimators of scikit-learn: early stopping on rows of their own, categories, monotone columns.

Imported only where the candidate is used: LightGBM needs a library that a bare Debian lacks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, Self

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight

from service.bundle.contract import Matrix

# OpenMP threads that spin while they wait take a busy machine a hundred times as long. Read when LightGBM is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import lightgbm  # pylint: disable=wrong-import-position,wrong-import-order

#: Of fewer rows a tenth says too little of when to stop: then `trees` are made.
STOPPED_FROM = 1_000
VALIDATION_SHARE = 0.1
MOST_TREES = 1_000
#: Trees without a gain on the validation rows, until no more are made.
PATIENCE = 30
#: Fewer rows are all learnt from in the end, with as many trees as a tenth of them found best; more miss no tenth.
ALL_ROWS_BELOW = 100_000
#: A smaller matrix is learnt from by one thread: more would only wait for each other.
CELLS_FOR_THREADS = 500_000
#: By loss, as LightGBM calls it.
OBJECTIVES: dict[str, dict[str, Any]] = {
    "squared": {"objective": "regression"},
    "absolute": {"objective": "regression_l1"},
    "quantile": {"objective": "quantile"},
}

Rows = NDArray[Any]


class _BoostedTrees(BaseEstimator):  # type: ignore[misc]
    """`categories` are positions of the matrix; `monotone` has 1, 0 or -1 for each, or is empty."""

    booster_: lightgbm.Booster

    def __init__(  # pylint: disable=too-many-arguments  # scikit-learn's form
        self,
        *,
        learning_rate: float = 0.1,
        trees: int = 100,
        leaves: int = 31,
        leaf_rows: int = 20,
        column_share: float = 1.0,
        row_share: float = 1.0,
        l2: float = 0.0,
        categories: tuple[int, ...] = (),
        monotone: tuple[int, ...] = (),
        validation: Literal["random", "last"] = "random",
        class_weight: Literal["balanced"] | None = None,
        loss: Literal["squared", "absolute", "quantile"] = "squared",
        level: float = 0.5,
        seed: int = 1,
        n_jobs: int | None = None,
    ):
        self.learning_rate = learning_rate
        self.trees = trees
        self.leaves = leaves
        self.leaf_rows = leaf_rows
        self.column_share = column_share
        self.row_share = row_share
        self.l2 = l2
        self.categories = categories
        self.monotone = monotone
        self.validation = validation
        self.class_weight = class_weight
        self.loss = loss
        self.level = level
        self.seed = seed
        self.n_jobs = n_jobs

    def _train(self, matrix: Matrix, target: Rows, objective: Mapping[str, Any]) -> None:
        """As many trees as the validation rows bear; of a small table, then all rows with that many."""
        settings = {**self._settings(self._threads(matrix)), **objective}
        trees = self.trees
        if len(matrix) >= STOPPED_FROM:
            learnt, validation = self._split(target)
            table = self._table(settings, matrix[learnt], target[learnt])
            stopped = lightgbm.train(
                settings,
                table,
                MOST_TREES,
                valid_sets=[self._table(settings, matrix[validation], target[validation], table)],
                callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
            )
            if len(matrix) >= ALL_ROWS_BELOW:
                self.booster_ = stopped
                return
            trees = max(1, stopped.best_iteration)
        self.booster_ = lightgbm.train(settings, self._table(settings, matrix, target), trees)

    def _table(
        self,
        settings: dict[str, Any],
        matrix: Matrix,
        target: Rows,
        learnt: lightgbm.Dataset | None = None,
    ) -> lightgbm.Dataset:
        return lightgbm.Dataset(
            matrix,
            target,
            reference=learnt,
            weight=compute_sample_weight("balanced", target) if self.class_weight else None,
            categorical_feature=list(self.categories),
            params=settings,
        )

    def _split(self, target: Rows) -> tuple[Rows, Rows]:
        """Rows to learn from, and a tenth to stop by: the last where rows stand in the order of time."""
        rows = np.arange(len(target))
        if self.validation == "last":
            cut = len(rows) - round(len(rows) * VALIDATION_SHARE)
            return rows[:cut], rows[cut:]
        learnt, validation = train_test_split(
            rows,
            test_size=VALIDATION_SHARE,
            random_state=self.seed,
            stratify=self._strata(target),
        )
        return np.sort(learnt), np.sort(validation)

    def _strata(self, _: Rows) -> Rows | None:
        return None

    def _threads(self, matrix: Matrix) -> int:
        return 1 if matrix.size < CELLS_FOR_THREADS else self.n_jobs or joblib.cpu_count()

    def _settings(self, threads: int) -> dict[str, Any]:
        """By LightGBM's names. The same rows give the same trees, with any number of threads."""
        return {
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.leaf_rows,
            "feature_fraction": self.column_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": int(self.row_share < 1),
            "lambda_l2": self.l2,
            "monotone_constraints": list(self.monotone) or None,
            "num_threads": threads,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    @property
    def n_features_in_(self) -> int:
        return self.booster_.num_feature()

    def _raw(self, matrix: Matrix) -> Rows:
        answers = self.booster_.predict(matrix, num_threads=self._threads(matrix))
        return np.asarray(answers, dtype=np.float64)


class BoostedRegressor(RegressorMixin, _BoostedTrees):  # type: ignore[misc]
    """Predicts a number."""

    def fit(self, matrix: Matrix, target: Rows) -> Self:
        self._train(
            matrix, np.asarray(target).ravel(), OBJECTIVES[self.loss] | {"alpha": self.level}
        )
        return self

    def predict(self, matrix: Matrix) -> Rows:
        return self._raw(matrix)


class BoostedClassifier(ClassifierMixin, _BoostedTrees):  # type: ignore[misc]
    """Predicts the class with the greatest probability."""

    classes_: Rows

    def fit(self, matrix: Matrix, target: Rows) -> Self:
        self.classes_, numbers = np.unique(target, return_inverse=True)
        many = len(self.classes_) > 2
        if many and any(self.monotone):
            raise ValueError(
                f"monotone: given for {len(self.classes_)} classes; allowed: of numbers or two classes"
            )
        kind = {"objective": "multiclass", "num_class": len(self.classes_)}
        self._train(matrix, numbers, kind if many else {"objective": "binary"})
        return self

    def predict_proba(self, matrix: Matrix) -> Rows:
        if len(self.classes_) == 1:
            # The first rows of a time, before anything rare has happened.
            return np.ones((len(matrix), 1))
        raw = self._raw(matrix)
        return raw if raw.ndim == 2 else np.column_stack([1 - raw, raw])

    def predict(self, matrix: Matrix) -> Rows:
        classes: Rows = self.classes_[self.predict_proba(matrix).argmax(axis=1)]
        return classes

    def _strata(self, target: Rows) -> Rows | None:
        """Each class in both parts, where it has enough rows for that."""
        counts = np.bincount(target)
        enough = counts.min() >= 2 and len(counts) <= round(len(target) * VALIDATION_SHARE)
        return target if enough else None
