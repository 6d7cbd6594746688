"""What is served in the benchmark: a forest, a linear model and a small network on 30 numbers.

They go through the same training as any model, so that MLflow serves the very same registered versions. A service as
commonly written takes the scikit-learn pipeline itself, fitted here once more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer

from training.data import dataset, sources
from training.fit.fit import fit
from training.spec.load import find, load
from training.spec.values import Spec

SPECS = Path(__file__).parent / "models"
FOLDER = Path("build/bench")


class Trained(NamedTuple):
    bundles: Path
    tracking: str


def trained() -> Trained:
    """Trained and promoted; found unchanged from the second time on."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    _write_rows(FOLDER / "rows.csv")
    place = (FOLDER / "training").resolve()
    tracking = f"sqlite:///{place}/mlflow.db"
    places = {
        "SWARMLINE_BUILD": str(place),
        "SWARMLINE_TRAINED": str(place / "trained"),
        "SWARMLINE_BUNDLES": str(place / "bundles"),
        "SWARMLINE_REPORTS": str(place / "reports"),
        "MLFLOW_TRACKING_URI": tracking,
    }
    specs = [str(path) for path in sorted(SPECS.glob("*.toml"))]
    command = [sys.executable, "-m", "training", "train", *specs, "--promote", "benchmark"]
    subprocess.run(command, env=dict(os.environ) | places, check=True)
    return Trained(place / "bundles", tracking)


def plain_pipeline(name: str) -> Path | None:
    """The pipeline that won for a model, fitted on a data frame; none for a recipe, which has no rows of its own."""
    path = SPECS / f"{name}.toml"
    spec = load(path) if path.is_file() else find(name)
    if spec.data is None:
        return None
    frame = sources.read(spec)
    rows = dataset.require_valid(*dataset.validate(spec, frame, sources.fingerprint(frame)))
    chosen = fit(spec, rows, compiling=False).chosen
    matrix, target = rows.train
    file = FOLDER / f"{name}.joblib"
    joblib.dump(clone(chosen.pipeline).fit(_named(spec, matrix), target), file)
    return file.resolve()


def _named(spec: Spec, matrix: Any) -> pd.DataFrame:
    """Its steps look columns up by place, and FastAPI's frames have names."""
    return pd.DataFrame(matrix, columns=[column.name for column in spec.inputs])


def _write_rows(path: Path) -> None:
    data = load_breast_cancer(as_frame=True)
    rows = data.data.rename(columns=lambda name: name.replace(" ", "_"))
    rows.assign(diagnosis=data.target.map({0: "malignant", 1: "benign"})).to_csv(path, index=False)
