"""Contract -> scikit-learn preprocessing. It is part of the model, so serving never does it twice."""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from service.bundle.contract import Contract

#: The code that a missing category gets.
NO_CATEGORY = -1.0


def preprocessing(contract: Contract, scaled: bool) -> ColumnTransformer:
    """Missing numbers become the median, categories become columns of 0 and 1; `scaled` for what needs it."""
    features = contract.features
    categories = [
        number for number, feature in enumerate(features) if feature.column.type == "category"
    ]
    numbers = [number for number in range(len(features)) if number not in categories]
    steps: list[tuple[str, Pipeline, list[int]]] = []
    if numbers:
        impute = SimpleImputer(strategy="median", keep_empty_features=True)
        steps.append(
            (
                "numbers",
                make_pipeline(impute, StandardScaler()) if scaled else make_pipeline(impute),
                numbers,
            )
        )
    if categories:
        steps.append(("categories", _categories(contract, categories), categories))
    return ColumnTransformer(steps)


def _categories(contract: Contract, positions: list[int]) -> Pipeline:
    codes = [
        np.array(
            [NO_CATEGORY] * column.nullable + list(range(len(column.categories))), dtype=np.float32
        )
        for column in (contract.features[position].column for position in positions)
    ]
    fill = SimpleImputer(strategy="constant", fill_value=NO_CATEGORY, keep_empty_features=True)
    return make_pipeline(
        fill, OneHotEncoder(categories=codes, sparse_output=False, dtype=np.float32)
    )
