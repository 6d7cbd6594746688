"""NannyML's own estimates of windows that `estimates.py` wrote into a folder. Run by an environment of its own.


Its environment is made by requirements/nannyml.txt.

python nannyml_estimates.py FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

# It reports its use to its makers unless told before its first import.
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml  # type: ignore[import-not-found]  # pylint: disable=import-error,wrong-import-position
import pandas as pd  # pylint: disable=wrong-import-position

METRICS = {"classification": ["accuracy", "roc_auc"], "regression": ["mae", "rmse"]}
OURS = {"roc_auc": "auc"}


def estimator(task: str, features: list[str], window: int) -> Any:
    common = {"y_true": "truth", "y_pred": "answer", "metrics": METRICS[task], "chunk_size": window}
    if task == "classification":
        return nannyml.CBPE(
            y_pred_proba="probability", problem_type="classification_binary", **common
        )
    return nannyml.DLE(feature_column_names=features, **common)


def estimates(folder: Path) -> dict[str, list[dict[str, float]]]:
    """By metric, a value with its ends a window."""
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    reference, windows = (pd.read_csv(folder / f"{name}.csv") for name in ("reference", "windows"))
    fitted = estimator(about["task"], about["features"], about["window"]).fit(reference)
    table = fitted.estimate(windows).filter(period="analysis").to_df()
    return {
        OURS.get(metric, metric): [
            {
                "value": row[(metric, "value")],
                "low": row[(metric, "lower_confidence_boundary")],
                "high": row[(metric, "upper_confidence_boundary")],
            }
            for _, row in table.iterrows()
        ]
        for metric in METRICS[about["task"]]
    }


def main() -> None:
    for about in sorted(Path(sys.argv[1]).glob("*/about.json")):
        answer = estimates(about.parent)
        (about.parent / "nannyml.json").write_text(json.dumps(answer), encoding="utf-8")
        print(about.parent.name, flush=True)


if __name__ == "__main__":
    main()
