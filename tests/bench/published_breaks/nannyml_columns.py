"""The columns that NannyML's univariate defaults raise in each window of a folder. Run by an environment of its own.

Its environment is made by requirements/nannyml.txt.

python nannyml_columns.py FOLDER ROWS CATEGORY,CATEGORY
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


def raised(folder: Path, rows: int, categories: list[str]) -> list[list[str]]:
    """By window, each of which is one chunk."""
    reference = pd.read_csv(folder / "reference.csv")
    columns = list(reference.columns)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=columns, treat_as_categorical=categories, chunk_size=rows
    ).fit(reference)
    answers = []
    for path in sorted(folder.glob("window-*.csv")):
        calculator.chunker = nannyml.chunk.CountBasedChunker(chunk_number=1)
        table = calculator.calculate(pd.read_csv(path)).filter(period="analysis").to_df()
        row = table.iloc[-1]
        answers.append(
            [column for column in columns if bool(row[(column, "jensen_shannon", "alert")])]
        )
    return answers


if __name__ == "__main__":
    print(
        json.dumps(
            raised(Path(sys.argv[1]), int(sys.argv[2]), [*filter(None, sys.argv[3].split(","))])
        )
    )
