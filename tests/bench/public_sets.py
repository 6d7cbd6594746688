"""Public data sets of NannyML's package and of statsmodels, with a model of each and the rows that came later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from service.bundle.contract import Matrix
from tests.support.monitoring.populations import Population, Rows, answered, fit

TRAINING_ROWS = 8_000
HELD_OUT_ROWS = 4_000

Table = tuple[Matrix, NDArray[Any]]


def employment(packages: Path, seed: int, rows: int) -> tuple[Population, Rows]:
    """Who has work, of the US census of Massachusetts (folktables): learnt of 2015, judged of 2016 to 2018."""
    folder = packages / "nannyml/datasets/data"
    former = pd.read_parquet(folder / "employment_MA_reference.pq")
    later = pd.read_parquet(folder / "employment_MA_analysis.pq").merge(
        pd.read_parquet(folder / "employment_MA_analysis_target.pq"), on="id"
    )
    # Spread over the years, in their order.
    later = later.iloc[np.linspace(0, len(later) - 1, min(rows, len(later))).astype(int)]
    features = [
        name
        for name in former.columns
        if name not in ("id", "employed", "year", "prediction", "predicted_probability")
    ]
    return _learnt("employment", former, later, features, "employed", seed)


def housing(packages: Path, seed: int, rows: int) -> tuple[Population, Rows]:
    """Which districts of California are dear, in the order of NannyML's own example, whose inputs move."""
    folder = packages / "nannyml/datasets/data"
    former = pd.read_csv(folder / "california_housing_reference.csv")
    later = pd.read_csv(folder / "california_housing_analysis.csv").merge(
        pd.read_csv(folder / "california_housing_analysis_gt.csv"), on="id"
    )
    features = [
        "MedInc",
        "HouseAge",
        "AveRooms",
        "AveBedrms",
        "Population",
        "AveOccup",
        "Latitude",
        "Longitude",
    ]
    return _learnt("housing", former, later.iloc[:rows], features, "clf_target", seed)


def visits(packages: Path, seed: int, rows: int) -> tuple[Population, Rows]:
    """How often people saw a doctor, of the RAND health insurance experiment, in an order by chance."""
    table = pd.read_csv(packages / "statsmodels/datasets/randhie/randhie.csv").sample(
        frac=1.0, random_state=seed
    )
    table["mdvis"] = table["mdvis"].astype(float)
    features = [name for name in table.columns if name != "mdvis"]
    cut = TRAINING_ROWS + HELD_OUT_ROWS
    return _learnt(
        "visits", table.iloc[:cut], table.iloc[cut : cut + rows], features, "mdvis", seed
    )


def _learnt(
    name: str,
    former: pd.DataFrame,
    later: pd.DataFrame,
    features: list[str],
    target: str,
    seed: int,
) -> tuple[Population, Rows]:
    """Held-out rows are drawn from the same time as training's, at most half of them."""
    mixed = former.sample(frac=1.0, random_state=seed)
    held_out = min(HELD_OUT_ROWS, len(mixed) // 2)
    parts = (mixed.iloc[held_out : held_out + TRAINING_ROWS], mixed.iloc[:held_out])
    learnt = fit(name, *(_table(part, features, target) for part in parts), seed, tuple(features))
    return learnt, answered(learnt.model, *_table(later, features, target))


def _table(frame: pd.DataFrame, features: list[str], target: str) -> Table:
    return frame[features].to_numpy(np.float32), frame[target].to_numpy()


PUBLIC: dict[str, Callable[[Path, int, int], tuple[Population, Rows]]] = {
    "employment": employment,
    "housing": housing,
    "visits": visits,
}
