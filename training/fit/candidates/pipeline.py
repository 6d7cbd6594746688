"""A candidate as one pipeline, preprocessing and estimator, and what a search may vary of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline

from service.bundle.contract import Contract, Matrix
from training.fit.candidates.candidate import Candidate
from training.fit.candidates.resolve import resolve
from training.fit.finish.transform import TransformedTarget
from training.fit.preprocessing import before_codes, preprocessing
from training.spec.values import Spec


def make_pipeline(spec: Spec, contract: Contract, name: str, matrix: Matrix) -> Pipeline:
    """Not fitted. The estimator's step is called `model`. By the training rows `matrix` categories are rare or not."""
    candidate = resolve(name)
    model = candidate.build(spec, contract)
    if _one_for_each_output(candidate, contract):
        model = MultiOutputRegressor(model)
    if spec.target.transform:
        model = TransformedTarget(model, spec.target.transform)
    if candidate.preprocessing == "none":
        return Pipeline([("model", model)])
    if candidate.preprocessing == "codes":
        return before_codes(contract, matrix, model)
    scaled = candidate.preprocessing == "scaled"
    prepare = preprocessing(contract, scaled, matrix, spec.search.seed)
    return Pipeline([("features", prepare), ("model", model)])


def space(spec: Spec, contract: Contract, name: str) -> Mapping[str, Any]:
    """What a search may vary, by the pipeline's parameter names."""
    candidate = resolve(name)
    return _of_estimator(spec, contract, candidate, candidate.space(contract))


def parameters_of_many_rows(spec: Spec, contract: Contract, name: str) -> Mapping[str, Any]:
    """What the fit on many rows sets, by the pipeline's parameter names."""
    candidate = resolve(name)
    return _of_estimator(spec, contract, candidate, candidate.of_many_rows)


def _of_estimator(
    spec: Spec, contract: Contract, candidate: Candidate, parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    inner = "model__estimator__" if _one_for_each_output(candidate, contract) else "model__"
    inner = "model__regressor__" if spec.target.transform else inner
    return {inner + parameter: values for parameter, values in parameters.items()}


def _one_for_each_output(candidate: Candidate, contract: Contract) -> bool:
    return len(contract.targets) > 1 and not candidate.multiple
