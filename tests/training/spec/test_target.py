"""`[target]`: what contradicts itself is refused with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plants import class_spec, plant_spec
from training.common.errors import SpecError

OF_NUMBERS: list[tuple[dict[str, Any], str]] = [
    ({"transform": "sqrt"}, "target.transform: given 'sqrt'; allowed: one of 'log'"),
    ({"loss": "cubic"}, "target.loss: given 'cubic'; allowed: one of 'squared', 'absolute'"),
    ({"intervals": [0.9, 0.1]}, "target.intervals: given [0.9, 0.1]; allowed: two levels"),
    ({"intervals": [0.5]}, "target.intervals: given [0.5]; allowed: two levels"),
    ({"intervals": [0.0, 0.9]}, "target.intervals: given [0.0, 0.9]; allowed: a list, each item"),
    ({"class_weight": "balanced"}, "target.class_weight: given for regression"),
    ({"calibrate": "isotonic"}, "target.calibrate: given for regression"),
    ({"threshold": {"at": 0.5}}, "target.threshold: given for regression"),
]
OF_CLASSES: list[tuple[dict[str, Any], str]] = [
    ({"transform": "log"}, "target.transform: given for classification"),
    ({"loss": "absolute"}, "target.loss: given for classification"),
    ({"intervals": [0.1, 0.9]}, "target.intervals: given for classification"),
    ({"class_weight": "rare"}, "target.class_weight: given 'rare'; allowed: "),
    ({"calibrate": "beta"}, "target.calibrate: given 'beta'; allowed: "),
    ({"threshold": {}}, "target.threshold: given nothing; allowed: one of maximise, recall"),
    ({"threshold": {"recall": 0.9, "at": 0.2}}, "target.threshold: given recall, at; allowed"),
    ({"threshold": {"recall": 1.5}}, "target.threshold.recall: given 1.5; allowed: "),
    ({"threshold": {"maximise": "auc"}}, "target.threshold.maximise: given 'auc'; allowed: "),
    (
        {"threshold": {"at": 0.2}, "classes": ["A", "B", "C"]},
        "target.threshold: given, with 3 target.classes; allowed: with two of them listed",
    ),
]


def refused(error: pytest.ExceptionInfo[SpecError], message: str) -> None:
    assert message in str(error.value)


@pytest.mark.parametrize(("target", "message"), OF_NUMBERS)
def test_of_numbers(target: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        plant_spec(target=target)
    refused(error, message)


@pytest.mark.parametrize(("target", "message"), OF_CLASSES)
def test_of_classes(target: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        class_spec(target=target)
    refused(error, message)


@pytest.mark.parametrize(
    ("spec_of", "target"),
    [
        (plant_spec, {"transform": "log"}),
        (plant_spec, {"intervals": [0.1, 0.9]}),
        (class_spec, {"calibrate": "sigmoid"}),
    ],
)
def test_what_is_compiled_alone_needs_onnx(spec_of: Any, target: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as error:
        spec_of(target=target, search={"engine": "any"})
    refused(error, f"search.engine: given 'any'; with target.{next(iter(target))} allowed: 'onnx'")


@pytest.mark.parametrize(
    ("spec_of", "target"),
    [(plant_spec, {"loss": "absolute"}), (class_spec, {"class_weight": "balanced"})],
)
def test_a_candidate_that_cannot_is_refused(spec_of: Any, target: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as error:
        spec_of(target=target, search={"candidates": ["linear", "mlp"]})
    refused(error, "search.candidates: given 'mlp'; with target.")


def test_a_gate_on_an_interval_needs_one() -> None:
    with pytest.raises(SpecError) as error:
        plant_spec(gates={"metrics": {"coverage": {"min": 0.7}}})
    refused(error, "gates.metrics: given 'coverage'; allowed for regression: r2")
    plant_spec(target={"intervals": [0.1, 0.9]}, gates={"metrics": {"coverage": {"min": 0.7}}})


def test_an_imported_model_is_taken_as_it_is() -> None:
    raw = {"candidates": [], "budget": 12, "folds": 3}
    with pytest.raises(SpecError) as error:
        class_spec(target={"calibrate": "isotonic"}, search=raw, **{"import": {"file": "m.onnx"}})
    refused(error, "target.calibrate: given, and [import] names a model that is taken as it is")
