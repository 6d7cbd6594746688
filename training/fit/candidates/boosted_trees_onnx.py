"""ONNX of boosted trees: skl2onnx is told to convert them by the converter that onnxmltools has of LightGBM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)

from training.fit.candidates.boosted_trees import BoostedClassifier, BoostedRegressor


class _Float32Thresholds:  # pylint: disable=too-few-public-methods
    """skl2onnx's container of nodes, in which no threshold of a tree is rounded up.

    LightGBM compares with float64, ONNX with float32. x <= t is the same for every float32 x where t is the largest
    float32 not above it. Rounded to the nearest, a t between two of them could become the upper one, and let x pass.
    """

    def __init__(self, container: Any):
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> None:
        if "nodes_values" in attributes:
            attributes["nodes_values"] = floored(attributes["nodes_values"])
        self._container.add_node(*arguments, **attributes)


def floored(thresholds: Sequence[float]) -> list[float]:
    """The largest float32 that is not above each."""
    exact = np.array(thresholds, dtype=np.float64)
    # A split of what is missing from all else has float64's largest number, infinity as float32.
    with np.errstate(over="ignore"):
        nearest = exact.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return [float(value) for value in np.where(nearest > exact, below, nearest)]


def _convert(scope: Any, operator: Any, container: Any) -> None:
    convert_lightgbm(scope, operator, _Float32Thresholds(container))


def register() -> None:
    update_registered_converter(
        BoostedClassifier,
        "SwarmlineBoostedClassifier",
        calculate_linear_classifier_output_shapes,
        _convert,
        options={"zipmap": [True, False, "columns"], "nocl": [True, False]},
    )
    update_registered_converter(
        BoostedRegressor,
        "SwarmlineBoostedRegressor",
        calculate_linear_regressor_output_shapes,
        _convert,
    )
