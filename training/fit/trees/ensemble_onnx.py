"""Trees by the names of ONNX's tree ensembles, as arrays, and their nodes in a graph of skl2onnx.

The converters that there are walk the trees node by node, which took longer for some than it took to grow them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DOMAIN = "ai.onnx.ml"
#: Of the two operators: the first. skl2onnx would write down its newest, which ONNX Runtime need not know.
OP_VERSION = 1


class Nodes(NamedTuple):
    """The nodes of a tree, the root first. A node's number is its place; of leaves the modes alone count."""

    featureids: Integers
    modes: NDArray[np.str_]
    values: Floats
    truenodeids: Integers
    falsenodeids: Integers
    missing_value_tracks_true: Integers


class Leaves(NamedTuple):
    """What leaves add: to which output, of how many there may be several for a leaf."""

    nodeids: Integers
    ids: Integers
    weights: Floats


class Tree(NamedTuple):
    nodes: Nodes
    leaves: Leaves


class Ensemble(NamedTuple):
    """All trees of a model as one node of ONNX."""

    kind: str
    attributes: dict[str, Any]


def register(kind: type, ensemble_of: Callable[[Any], Ensemble], of_classes: bool) -> None:
    """`ensemble_of` is asked by skl2onnx for each estimator of this kind that is fitted."""

    def convert(  # pylint: disable=unused-argument  # skl2onnx looks at the names
        scope: Any, operator: Any, container: Any
    ) -> None:
        written = ensemble_of(operator.raw_operator)
        container.add_node(
            written.kind,
            operator.input_full_names,
            operator.output_full_names,
            op_domain=DOMAIN,
            op_version=OP_VERSION,
            name=operator.full_name,
            **written.attributes,
        )

    update_registered_converter(
        kind,
        f"Swarmline{kind.__name__}",
        (
            calculate_linear_classifier_output_shapes
            if of_classes
            else calculate_linear_regressor_output_shapes
        ),
        convert,
        options={"zipmap": [True, False, "columns"], "nocl": [True, False]} if of_classes else None,
    )


def classifier(
    trees: Sequence[Tree], labels: Sequence[int | str], post_transform: str = "NONE"
) -> Ensemble:
    # What own code or another exporter converts in this process may have names.
    kind = "classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s"
    more = {kind: labels, "post_transform": post_transform}
    return Ensemble("TreeEnsembleClassifier", _attributes(trees, "class") | more)


def regressor(trees: Sequence[Tree], targets: int) -> Ensemble:
    return Ensemble("TreeEnsembleRegressor", _attributes(trees, "target") | {"n_targets": targets})


def _attributes(trees: Sequence[Tree], kind: Literal["class", "target"]) -> dict[str, list[Any]]:
    """By the names of ONNX: a classifier calls `class` what a regressor calls `target`."""
    parts: dict[str, list[NDArray[Any]]] = {
        **{
            f"nodes_{name}": [getattr(each.nodes, name) for each in trees] for name in Nodes._fields
        },
        **{
            f"{kind}_{name}": [getattr(each.leaves, name) for each in trees]
            for name in Leaves._fields
        },
    }
    sizes = [len(each.nodes.values) for each in trees]
    parts["nodes_nodeids"] = [np.arange(size) for size in sizes]
    number = np.arange(len(trees))
    parts["nodes_treeids"] = [np.repeat(number, sizes)]
    parts[f"{kind}_treeids"] = [np.repeat(number, [len(each.leaves.ids) for each in trees])]
    return {name: np.concatenate(arrays).tolist() for name, arrays in parts.items()}


def floored(thresholds: Floats) -> Floats:
    """The largest float32 that is not above each.

    The trees compare with float64, ONNX with float32. x <= t is the same for every float32 x where t is the largest
    float32 not above it. Rounded to the nearest, a t between two of them could become the upper one, and let x pass.
    """
    # LightGBM's split of what is missing from all else has float64's largest number, infinity as float32.
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > thresholds, below, nearest).astype(np.float64)
