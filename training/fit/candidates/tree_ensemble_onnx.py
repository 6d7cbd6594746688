"""Trees by the names of ONNX's tree ensembles, as arrays.

The converters that there are walk the trees node by node, which took longer for some than it took to grow them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

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


def attributes(trees: Sequence[Tree], kind: Literal["class", "target"]) -> dict[str, list[Any]]:
    """Of a node of ONNX: a classifier calls `class` what a regressor calls `target`."""
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
