"""Contract -> scikit-learn preprocessing. It is part of the model, so serving never does it twice.

Where a column takes texts that are none of its categories, what a model knows of them is learnt from rare categories:
those of too few training rows are folded into one level with the others. The contract keeps them all, so that champion
and challenger encode alike, whichever were rare in the data of each.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from service.bundle.contract import Column, Contract, Matrix

#: The code that a missing category gets.
NO_CATEGORY = -1.0
#: Categories of a column that get a column of 0 and 1 each. Thousands would be a matrix of gigabytes.
MOST_ONE_HOT = 64
Codes = NDArray[np.float32]


def preprocessing(contract: Contract, scaled: bool, matrix: Matrix, seed: int) -> ColumnTransformer:
    """Missing numbers become the median; few categories become columns of 0 and 1, many the mean of their target.

    `scaled` for what needs it. `matrix` are the training rows, by which categories are rare or not.
    """
    features = contract.features
    categories = [
        place for place, feature in enumerate(features) if feature.column.type == "category"
    ]
    numbers = [place for place in range(len(features)) if place not in categories]
    by_target = [
        place
        for place in categories
        if _has_one_target(contract)
        and len(common_codes(features[place].column, matrix[:, place])) > MOST_ONE_HOT
    ]
    spread = [place for place in categories if place not in by_target]
    steps: list[tuple[str, Pipeline, list[int]]] = []
    if numbers:
        impute = SimpleImputer(strategy="median", keep_empty_features=True)
        parts = [impute, StandardScaler()] if scaled else [impute]
        steps.append(("numbers", make_pipeline(*parts), numbers))
    if spread:
        codes = [_most_common(features[place].column, matrix[:, place]) for place in spread]
        steps.append(("categories", _one_hot(codes), spread))
    if by_target:
        codes = [common_codes(features[place].column, matrix[:, place]) for place in by_target]
        parts = [fold_rare(codes), _target_encoder(contract, seed)]
        parts += [StandardScaler()] if scaled else []
        steps.append(("many", make_pipeline(*parts), by_target))
    return ColumnTransformer(steps)


def before_codes(contract: Contract, matrix: Matrix, model: Any) -> Pipeline:
    """A model that takes codes, behind what gives rare categories and others one code; features keep their places.

    Alone where no column takes others: the matrix is then as the contract has it.
    """
    features = list(enumerate(contract.features))
    if all(feature.column.other is None for _, feature in features):
        return Pipeline([("model", model)])
    steps: list[tuple[str, Pipeline | str, list[int]]] = []
    # Neighbours together: the columns of the result stand in the order of the steps.
    for folds, group in itertools.groupby(features, lambda pair: pair[1].column.other is not None):
        codes, places = [], []
        for place, feature in group:
            places.append(place)
            if folds:
                codes.append(common_codes(feature.column, matrix[:, place]))
        steps.append((f"from {places[0]}", fold_rare(codes) if codes else "passthrough", places))
    return Pipeline([("features", ColumnTransformer(steps)), ("model", model)])


def common_codes(column: Column, values: NDArray[Any]) -> Codes:
    """The codes that a model tells apart: all, or where others are allowed, those that are not rare.

    Any other code, of a rare category or of none, is one level to it. A null has a code of its own.
    """
    null = [NO_CATEGORY] * column.nullable
    codes = np.arange(len(column.categories))
    if column.other is not None:
        counts = _counts(column, values)
        # Were all rare, nothing would be left to tell apart.
        codes = codes[(counts >= column.rare) | (counts == counts.max(initial=0))]
    return np.array([*null, *codes], dtype=np.float32)


def fold_rare(codes: Sequence[Codes]) -> Pipeline:
    """Codes, a column each, as their places in these; what is in none of them comes behind the last."""
    # Each column has another number of codes, and all have one code for the others.
    others = max(map(len, codes))
    return make_pipeline(
        _fill_nulls(),
        OrdinalEncoder(
            categories=list(codes),
            handle_unknown="use_encoded_value",
            unknown_value=others,
            dtype=np.float32,
        ),
    )


def _most_common(column: Column, values: NDArray[Any]) -> Codes:
    """At most `MOST_ONE_HOT` of them; the commonest, where there are more."""
    codes = common_codes(column, values)
    if len(codes) <= MOST_ONE_HOT:
        return codes
    counts = _counts(column, values)
    order = sorted(codes[codes != NO_CATEGORY].astype(int), key=lambda code: -counts[code])
    chosen = order[: MOST_ONE_HOT - column.nullable]
    return np.array([*[NO_CATEGORY] * column.nullable, *sorted(chosen)], dtype=np.float32)


def _counts(column: Column, values: NDArray[Any]) -> NDArray[np.intp]:
    codes = values[~np.isnan(values)].astype(np.intp)
    return np.bincount(codes, minlength=len(column.categories))[: len(column.categories)]


def _has_one_target(contract: Contract) -> bool:
    """A number or one of two classes: of anything else no mean by category compiles."""
    return len(contract.targets) == 1 and len(contract.classes) <= 2


def _one_hot(codes: list[Codes]) -> Pipeline:
    """What is in none of the codes has no column: it is 0 in all of them."""
    encoder = OneHotEncoder(
        categories=codes, handle_unknown="ignore", sparse_output=False, dtype=np.float32
    )
    return make_pipeline(_fill_nulls(), encoder)


def _target_encoder(contract: Contract, seed: int) -> TargetEncoder:
    """The less rows a category has, the nearer it is to the mean of all; learnt without the row itself."""
    kind, folds = ("binary", StratifiedKFold) if contract.classes else ("continuous", KFold)
    return TargetEncoder(target_type=kind, cv=folds(5, shuffle=True, random_state=seed))


def _fill_nulls() -> SimpleImputer:
    return SimpleImputer(strategy="constant", fill_value=NO_CATEGORY, keep_empty_features=True)
