"""ONNX of scikit-learn's forests.

Of more than two classes a leaf has only those of its rows. skl2onnx writes all of them into each leaf, and of nine
classes that was most of the file, and of the time to open it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skl2onnx.common.exceptions import MissingConverter
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from training.fit.trees.ensemble_onnx import (
    Ensemble,
    Floats,
    Leaves,
    Nodes,
    Tree,
    classifier,
    floored,
    register,
    regressor,
)


def _trees(forest: Any, of_classes: bool) -> list[Tree]:
    share = 1 / len(forest.estimators_)
    return [_tree(each.tree_, of_classes, share) for each in forest.estimators_]


def _tree(tree: Any, of_classes: bool, share: float) -> Tree:
    leaf = tree.children_left < 0

    def above(values: NDArray[Any]) -> NDArray[Any]:
        return np.where(leaf, 0, values)

    nodes = Nodes(
        above(tree.feature),
        np.where(leaf, "LEAF", "BRANCH_LEQ"),
        above(floored(tree.threshold)),
        above(tree.children_left),
        above(tree.children_right),
        # Nothing is missing behind what fills it, and a node that looks for it takes longer. An own candidate that
        # fills nothing is answered otherwise where something is missing, as by skl2onnx: the proof refuses it.
        np.zeros_like(leaf, dtype=np.int64),
    )
    # Of classes a row of values for the one output, of numbers one value for each output.
    values = tree.value[:, 0, :] if of_classes else tree.value[:, :, 0]
    return Tree(nodes, _leaves(np.flatnonzero(leaf), values[leaf] * share, of_classes))


def _leaves(places: NDArray[Any], weights: Floats, of_classes: bool) -> Leaves:
    written = np.ones(weights.shape, dtype=bool)
    if of_classes and weights.shape[1] == 2:
        # Of two classes ONNX Runtime wants the second's probability alone, as the one output that there is.
        weights, written = weights[:, 1:], written[:, 1:]
    elif of_classes:
        written = weights != 0
    rows, outputs = np.nonzero(written)
    return Leaves(places[rows], outputs, weights[written])


def _classifier(forest: Any) -> Ensemble:
    if forest.n_outputs_ > 1:
        # No model of a spec is one; what else is converted in this process may be.
        raise MissingConverter("a forest that answers with several classes at once has no ONNX")
    return classifier(_trees(forest, True), forest.classes_.tolist())


def _regressor(forest: Any) -> Ensemble:
    return regressor(_trees(forest, False), forest.n_outputs_)


def register_forests() -> None:
    for kind in (ExtraTreesClassifier, RandomForestClassifier):
        register(kind, _classifier, of_classes=True)
    for kind in (ExtraTreesRegressor, RandomForestRegressor):
        register(kind, _regressor, of_classes=False)
