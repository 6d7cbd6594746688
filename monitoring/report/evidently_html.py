"""Evidently's report of two tables, as one HTML file. The only module that imports Evidently, which takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from markupsafe import Markup

from monitoring.report.tables import Tables
from service.bundle.contract import Matrix

NOTE = Markup(
    '<p style="font: 15px system-ui, sans-serif; margin: 16px 24px; max-width: 80ch">{}: the window (current) beside'
    " the reference, {} and {} rows. Drawn by Evidently with its own defaults, whose verdict depends on the number of"
    " rows and alarms nobody: the monitor's own is on the model's page.</p>"
)


def write_html(tables: Tables, path: Path) -> None:
    definition = DataDefinition(
        numerical_columns=[column.name for column in tables.columns if column.kind == "number"],
        categorical_columns=[column.name for column in tables.columns if column.kind == "category"],
    )
    window, reference = (
        Dataset.from_pandas(_frame(side, tables), data_definition=definition)
        for side in (tables.window, tables.reference)
    )
    snapshot = Report([DataDriftPreset()]).run(window, reference)
    snapshot.save_html(str(path))
    note = NOTE.format(tables.title, len(tables.window), len(tables.reference))
    html = path.read_text(encoding="utf-8")
    path.write_text(html.replace("<body>", f"<body>{note}", 1), encoding="utf-8")


def _frame(matrix: Matrix, tables: Tables) -> pd.DataFrame:
    return pd.DataFrame(
        {
            column.name: _cells(matrix[:, place], column.levels)
            for place, column in enumerate(tables.columns)
        }
    )


def _cells(values: Matrix, levels: tuple[str, ...]) -> object:
    if not levels:
        return values.astype(np.float64)
    return [None if np.isnan(value) else levels[int(value)] for value in values]
