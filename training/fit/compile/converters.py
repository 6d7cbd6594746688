"""ONNX of what stands around a model: transformed target, calibration, threshold, intervals.

skl2onnx has converters of some of scikit-learn's own, and not one to trust: its isotonic calibration answers with the
nearest point in place of the line between points, and `TunedThresholdClassifierCV` comes out without its threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from training.fit.compile.onnx_graph import COLUMN, LIST, Graph, float32, float64
from training.fit.finish.calibrate import CalibratedClassifier, Curve
from training.fit.finish.intervals import WithIntervals
from training.fit.finish.transform import TransformedTarget

#: Turns a plain estimator or pipeline into ONNX.
Convert = Callable[[Any], ModelProto]


def convert_finished(estimator: Any, convert: Convert) -> ModelProto:
    """`convert` does what is inside."""
    if isinstance(estimator, FixedThresholdClassifier):
        return _with_threshold(estimator, convert)
    if isinstance(estimator, CalibratedClassifier):
        return _calibrated(estimator, convert)
    if isinstance(estimator, WithIntervals):
        return _with_intervals(estimator, convert)
    if isinstance(estimator, Pipeline) and isinstance(estimator[-1], TransformedTarget):
        return _transformed(estimator, convert)
    return convert(estimator)


def _with_threshold(model: FixedThresholdClassifier, convert: Convert) -> ModelProto:
    graph = Graph(convert_finished(model.estimator_, convert))
    probabilities = graph.outputs[1]
    reached = graph.add("GreaterOrEqual", _of_class(graph, 1), float32(model.threshold))
    labels = graph.add("Reshape", graph.add("Cast", reached, to=TensorProto.INT64), LIST)
    return graph.finish(labels, probabilities, 2)


def _calibrated(model: CalibratedClassifier, convert: Convert) -> ModelProto:
    graph = Graph(convert_finished(model.estimator, convert))
    if len(model.curves) == 1:
        second = _on_curve(graph, _of_class(graph, 1), model.curves[0])
        first = graph.add("Sub", float32(1), second)
        mapped = graph.add("Concat", first, second, axis=1)
    else:
        columns = [
            _on_curve(graph, _of_class(graph, code), curve)
            for code, curve in enumerate(model.curves)
        ]
        mapped = _in_sum_1(graph, graph.add("Concat", *columns, axis=1), len(columns))
    labels = graph.add("ArgMax", mapped, axis=1, keepdims=0)
    return graph.finish(labels, mapped, len(model.classes_))


def _of_class(graph: Graph, code: int) -> str:
    return graph.add("Gather", graph.outputs[1], np.array([code], np.int64), axis=1)


def _on_curve(graph: Graph, probability: str, curve: Curve) -> str:
    """The first value, and of each piece of the line its slope times how much of it lies below the probability."""
    given, true = np.array(curve.given), np.array(curve.true)
    lengths = np.diff(given)
    past = graph.add("Sub", probability, float32(given[np.newaxis, :-1]))
    inside = graph.add("Min", graph.add("Max", past, float32(0)), float32(lengths[np.newaxis]))
    risen = graph.add("MatMul", inside, float32((np.diff(true) / lengths)[:, np.newaxis]))
    return graph.add("Add", risen, float32(true[0]))


def _in_sum_1(graph: Graph, mapped: str, classes: int) -> str:
    axis = np.array([1], np.int64)
    positive = graph.add("Greater", graph.add("ReduceSum", mapped, axis), float32(0))
    nothing = graph.add("Where", positive, float32(0), float32(1 / classes))
    filled = graph.add("Add", mapped, nothing)
    return graph.add("Div", filled, graph.add("ReduceSum", filled, axis))


def _transformed(pipeline: Pipeline, convert: Convert) -> ModelProto:
    """With float64 behind the regressor: powers and exponentials of large numbers lose digits in float32."""
    target: TransformedTarget = pipeline[-1]
    inside = Pipeline([*pipeline.steps[:-1], ("model", target.regressor_)])
    graph = Graph(convert(inside))
    answers = graph.add("Reshape", graph.outputs[0], COLUMN)
    answers = graph.add("Cast", answers, to=TensorProto.DOUBLE)
    clipped = graph.add(
        "Min", graph.add("Max", answers, float64(target.low_)), float64(target.high_)
    )
    spread = graph.add("Mul", clipped, float64(target.deviation_))
    moved = graph.add("Add", spread, float64(target.mean_))
    values = (
        graph.add("Exp", moved)
        if target.transform == "log"
        else _power_back(graph, moved, target.power_)
    )
    return graph.finish(None, graph.add("Cast", values, to=TensorProto.FLOAT), 1)


def _power_back(graph: Graph, moved: str, power: float) -> str:
    """Above 0 by the power, below by what it lacks to 2; the other side adds 0."""
    upper = _half_back(graph, graph.add("Max", moved, float64(0)), power)
    falling = graph.add("Max", graph.add("Neg", moved), float64(0))
    return graph.add("Sub", upper, _half_back(graph, falling, 2 - power))


def _half_back(graph: Graph, size: str, power: float) -> str:
    if power == 0:
        return graph.add("Sub", graph.add("Exp", size), float64(1))
    base = graph.add("Add", graph.add("Mul", size, float64(power)), float64(1))
    base = graph.add("Max", base, float64(np.finfo(np.float64).tiny))
    return graph.add("Sub", graph.add("Pow", base, float64(1 / power)), float64(1))


def _with_intervals(model: WithIntervals, convert: Convert) -> ModelProto:
    graph = Graph(convert_finished(model.estimator, convert))
    answers = graph.add("Reshape", graph.outputs[0], COLUMN)
    ends = []
    for end, shift in zip(model.ends, model.shifts, strict=True):
        quantile = graph.add("Reshape", graph.merge(convert(end)), COLUMN)
        ends.append(graph.add("Add", quantile, float32(shift)))
    both = graph.add("Min", *ends), graph.add("Max", *ends)
    return graph.finish(None, graph.add("Concat", answers, *both, axis=1), 3)
