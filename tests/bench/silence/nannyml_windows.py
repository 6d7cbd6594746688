"""The columns that NannyML's univariate defaults raise in each window of some files. Run by an environment of its own.

Its environment is made by requirements/nannyml.txt.

python nannyml_windows.py FOLDER ROWS CATEGORY,CATEGORY
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# It reports its use to its makers unless told before its first import.
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml  # type: ignore[import-not-found]  # pylint: disable=import-error,wrong-import-position
import pandas as pd  # pylint: disable=wrong-import-position


def raised(path: Path, rows: int, categories: list[str]) -> list[list[str]]:
    """By window; Jensen-Shannon is its default for numbers and categories."""
    reference = pd.read_parquet(path)
    windows = pd.read_parquet(path.with_name(path.name.replace("reference", "windows")))
    columns = list(reference.columns)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=columns, treat_as_categorical=categories, chunk_size=rows
    )
    table = calculator.fit(reference).calculate(windows).filter(period="analysis").to_df()
    return [
        [column for column in columns if bool(row[(column, "jensen_shannon", "alert")])]
        for _, row in table.iterrows()
    ]


if __name__ == "__main__":
    paths = sorted(Path(sys.argv[1]).glob("reference-*.parquet"))
    print(json.dumps([raised(path, int(sys.argv[2]), sys.argv[3].split(",")) for path in paths]))
