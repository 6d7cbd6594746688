"""The models of the loss: what error a model of numbers makes, learnt from held-out rows, as one ONNX file."""

from __future__ import annotations

from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline

from service.bundle.contract import Contract, Matrix
from training.fit.compile.compile import to_onnx_bytes

FOLDS = 5
#: More held-out rows than this are sampled: the models are small, and the time of a training is not.
MOST_ROWS = 10_000
#: A tree looks at no more columns for each cut, so that 300 of them do not take minutes.
MOST_FEATURES = 32


class LossModels(NamedTuple):
    """`absolute` and `squared` are what the model of a row's own fold, which never saw it, expects of the row."""

    absolute: NDArray[np.float64]
    squared: NDArray[np.float64]
    onnx: bytes


def inputs_of(contract: Contract, matrix: Matrix, predictions: NDArray[Any]) -> Matrix:
    """The rows as the monitor will have them: without sensitive values, the prediction last."""
    inputs = np.column_stack([matrix, predictions]).astype(np.float32)
    sensitive = [
        position for position, feature in enumerate(contract.features) if feature.column.sensitive
    ]
    inputs[:, sensitive] = np.nan
    return inputs


def fit_loss_models(inputs: Matrix, errors: NDArray[np.float64], seed: int) -> LossModels:
    """Five a loss, each fitted without its fold. Their mean is what a new row is judged by."""
    imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(inputs)
    complete = imputer.transform(inputs)
    folds = list(KFold(FOLDS, shuffle=True, random_state=seed).split(complete))
    losses = (np.abs(errors), errors**2)
    # Threads: trees are grown without the interpreter's lock.
    models = joblib.Parallel(n_jobs=joblib.cpu_count(), backend="threading")(
        joblib.delayed(_small_trees(complete.shape[1], seed).fit)(complete[fold], loss[fold])
        for loss in losses
        for fold, _ in folds
    )
    unseen = np.empty((len(losses), len(errors)))
    for number, model in enumerate(models):
        rows = folds[number % FOLDS][1]
        unseen[number // FOLDS, rows] = model.predict(complete[rows])
    return LossModels(unseen[0], unseen[1], to_onnx_bytes(_together(imputer, models), inputs))


def _small_trees(features: int, seed: int) -> GradientBoostingRegressor:
    return GradientBoostingRegressor(
        n_estimators=60,
        max_depth=None,
        max_leaf_nodes=8,
        min_samples_leaf=40,
        subsample=0.5,
        max_features=max(1, min(features // 2, MOST_FEATURES)),
        random_state=seed,
    )


def _together(imputer: SimpleImputer, models: list[GradientBoostingRegressor]) -> Pipeline:
    """All fitted models as one, with an output a model."""
    outputs = MultiOutputRegressor(models[0])
    outputs.estimators_ = models
    return make_pipeline(imputer, outputs)
