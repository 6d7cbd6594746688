"""What is served in the benchmark: a forest, a linear model and a small network on 30 numbers.

They go through the same training as any model, so that MLflow serves the very same registered versions.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from sklearn.datasets import load_breast_cancer

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


def _write_rows(path: Path) -> None:
    data = load_breast_cancer(as_frame=True)
    rows = data.data.rename(columns=lambda name: name.replace(" ", "_"))
    rows.assign(diagnosis=data.target.map({0: "malignant", 1: "benign"})).to_csv(path, index=False)
