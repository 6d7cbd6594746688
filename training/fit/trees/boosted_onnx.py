"""ONNX of boosted trees, made of the arrays in which LightGBM writes a model down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.fit.trees.boosted import BoostedClassifier, BoostedRegressor
from training.fit.trees.ensemble_onnx import (
    Ensemble,
    Floats,
    Integers,
    Leaves,
    Nodes,
    Tree,
    classifier,
    floored,
    register,
    regressor,
)

#: Bits of LightGBM's `decision_type`: the last two say what counts as missing, and 0 is nothing.
IS_CATEGORY, GOES_LEFT, MISSING_TYPE = 1, 2, 2
MISSING_NEVER = 0
WORD = 32


class _Tests(NamedTuple):
    """What the nodes above the leaves compare with, a value a row; `owners` are LightGBM's numbers of nodes."""

    owners: Integers
    values: Floats


def _trees(booster: Any) -> Iterator[Tree]:
    """Of LightGBM's own text, in which each tree is a block of lines `name=values`."""
    text, outputs = booster.model_to_string(), booster.num_model_per_iteration()
    blocks = text.partition("\nend of trees")[0].split("\nTree=")[1:]
    for number, block in enumerate(blocks):
        lines = (line.partition("=") for line in block.splitlines()[1:])
        yield _tree({name: values for name, _, values in lines}, number % outputs)


def _tree(written: Mapping[str, str], output: int) -> Tree:
    """A split by several categories becomes as many nodes, each of which asks for one and leads to the next."""

    def numbers(name: str, kind: Any = np.int64) -> NDArray[Any]:
        return np.array(written.get(name, "").split(), dtype=kind)

    leaf_values = numbers("leaf_value", np.float64)
    kinds = numbers("decision_type")
    by_category = (kinds & IS_CATEGORY).astype(bool)
    tests = _tests(
        numbers("threshold", np.float64),
        by_category,
        numbers("cat_boundaries"),
        numbers("cat_threshold", np.uint32),
    )
    count, leaves = len(tests.owners), np.zeros(len(leaf_values), dtype=np.int64)
    first = np.searchsorted(tests.owners, np.arange(len(kinds)))

    def places(children: Integers) -> Integers:
        """Of LightGBM's leaves, which have negative numbers, and of its nodes."""
        return np.where(children < 0, count + ~children, first[np.maximum(children, 0)])

    goes_on = np.append(tests.owners[1:] == tests.owners[:-1], False)[:count]
    otherwise = places(numbers("right_child"))[tests.owners]
    nodes = Nodes(
        np.append(numbers("split_feature")[tests.owners], leaves),
        np.append(
            np.where(by_category[tests.owners], "BRANCH_EQ", "BRANCH_LEQ"),
            np.full(len(leaves), "LEAF"),
        ),
        np.append(floored(tests.values), leaves),
        np.append(places(numbers("left_child"))[tests.owners], leaves),
        np.append(np.where(goes_on, np.arange(1, count + 1), otherwise), leaves),
        np.append(_missing_goes_left(kinds[tests.owners], tests.values), leaves),
    )
    at = count + np.arange(len(leaves))
    return Tree(nodes, Leaves(at, np.full(len(leaves), output), leaf_values))


def _tests(
    thresholds: Floats, by_category: NDArray[np.bool_], bounds: Integers, words: NDArray[np.uint32]
) -> _Tests:
    """A threshold's, or the categories' of a set of bits, whose number stands where a threshold would."""
    if not by_category.any():
        return _Tests(np.arange(len(thresholds)), thresholds)
    bits = np.flatnonzero(np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little"))
    sets = np.searchsorted(bounds, bits // WORD, side="right") - 1
    categories = bits - WORD * bounds[sets]
    nodes = np.flatnonzero(by_category)
    node_of_set = np.empty(len(nodes), dtype=np.int64)
    node_of_set[thresholds[nodes].astype(np.int64)] = nodes
    numeric = np.flatnonzero(~by_category)
    owners = np.append(numeric, node_of_set[sets])
    values = np.append(thresholds[numeric], categories)
    order = np.argsort(owners, kind="stable")
    return _Tests(owners[order], values[order])


def _missing_goes_left(kinds: Integers, values: Floats) -> Integers:
    """Where nothing was missing in the rows that it learnt from, LightGBM takes what is missing for 0."""
    by_category = (kinds & IS_CATEGORY).astype(bool)
    never = (kinds >> MISSING_TYPE) & 3 == MISSING_NEVER
    left = np.where(never, values >= 0, (kinds & GOES_LEFT).astype(bool))
    return np.asarray(left & ~by_category, dtype=np.int64)


def _classifier(model: BoostedClassifier) -> Ensemble:
    labels = [int(label) for label in model.classes_]
    post_transform = "SOFTMAX" if len(labels) > 2 else "LOGISTIC"
    return classifier(list(_trees(model.booster_)), labels, post_transform)


def _regressor(model: BoostedRegressor) -> Ensemble:
    return regressor(list(_trees(model.booster_)), 1)


def register_boosted() -> None:
    register(BoostedClassifier, _classifier, of_classes=True)
    register(BoostedRegressor, _regressor, of_classes=False)
