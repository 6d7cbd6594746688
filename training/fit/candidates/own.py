"""Own candidates: `mypackage.models:build`, a function that builds an estimator, or a Candidate of a person's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sklearn.base import is_classifier

from service.bundle.contract import Contract
from training.common import own_code
from training.common.own_code import OwnCodeError
from training.fit.candidates.candidate import Candidate
from training.spec.values import Spec

#: What a function that builds an estimator may ask for, by the name of its parameter.
ASKED_FOR: dict[str, Callable[[Spec, Contract], Any]] = {
    "seed": lambda spec, _: spec.search.seed,
    "contract": lambda _, contract: contract,
}
#: What an estimator has to have, or no search can clone and fit it.
METHODS = ("fit", "predict", "get_params", "set_params")


def learning(name: str) -> AbstractContextManager[None]:
    """What own code raises while it is fitted names it; what ours raises is left to whoever fits."""
    return own_code.calling(name, "raises in fit:") if own_code.is_own(name) else nullcontext()


def candidate(name: str) -> Candidate:
    """What stands under this name, its estimator looked at when it is built."""
    there = own_code.load(name)
    if isinstance(there, Candidate):
        return there._replace(build=_looked_at(name, there.build))
    # An estimator, or its class, is none yet: nothing would say with which parameters.
    if not inspect.isroutine(there):
        raise OwnCodeError(
            f"given {name!r}, a {type(there).__name__}; allowed is a function that returns an estimator, or a Candidate"
        )
    asked = _parameters(name, there)

    def build(spec: Spec, contract: Contract) -> Any:
        return there(**{each: ASKED_FOR[each](spec, contract) for each in asked})

    return Candidate(name, _looked_at(name, build))


def _parameters(name: str, function: Callable[..., Any]) -> list[str]:
    asked = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ASKED_FOR and parameter.kind is not parameter.POSITIONAL_ONLY:
            asked.append(parameter.name)
        elif parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            raise OwnCodeError(
                f"given {name!r}, which takes {own_code.signature(function).strip()}; allowed are parameters called"
                f" {', '.join(ASKED_FOR)}, and others that have a default"
            )
    return asked


def _looked_at(
    name: str, build: Callable[[Spec, Contract], Any]
) -> Callable[[Spec, Contract], Any]:
    def build_and_look(spec: Spec, contract: Contract) -> Any:
        with own_code.calling(name):
            estimator = build(spec, contract)
        _check(name, estimator, contract)
        _seed(estimator, spec.search.seed)
        return estimator

    return build_and_look


def _check(name: str, estimator: Any, contract: Contract) -> None:
    lacking = [method for method in METHODS if not hasattr(estimator, method)]
    if isinstance(estimator, type) or lacking:
        kind = f"the class {estimator.__name__}" if isinstance(estimator, type) else "a value"
        raise OwnCodeError(
            f"{name} returned {kind} of type {type(estimator).__name__}; allowed is an estimator of scikit-learn, not"
            f" fitted: an object with {', '.join(METHODS)}"
        )
    if not contract.classes:
        if is_classifier(estimator):
            raise OwnCodeError(f"{name} returned a classifier, and the task is {contract.task}")
        return
    if not is_classifier(estimator) or not hasattr(estimator, "predict_proba"):
        raise OwnCodeError(
            f"{name} returned a {type(estimator).__name__}, which is no classifier with predict_proba; the task is"
            " classification: derive it from ClassifierMixin and BaseEstimator, or wrap it in CalibratedClassifierCV"
        )


def _seed(estimator: Any, seed: int) -> None:
    """What is left to chance gets the spec's seed, or the same code and rows would give two models."""
    left = {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if value is None and name.rpartition("__")[2] == "random_state"
    }
    estimator.set_params(**left)
