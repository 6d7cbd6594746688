"""The command `validate`: the data held against the contract, before anything is trained."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pandas as pd

from training.commands.arguments import answer, specs_of
from training.common import state
from training.common.errors import ContractViolated
from training.common.progress import say
from training.data import dataset, prepare
from training.data import report as validation_report
from training.data.dataset import Dataset
from training.data.report import ValidationReport
from training.fit.candidates.resolve import resolve_own_code
from training.spec.values import Spec


def validate(arguments: Namespace) -> None:
    documents, broken = [], []
    for spec in specs_of(arguments):
        if spec.data is None:
            say(f"{spec.name}: makes its own data from {spec.goal.model}")
            continue
        resolve_own_code(spec)
        rows, fingerprint = prepare.read(spec)
        report, files, _ = validate_rows(spec, prepare.prepare(spec, rows), fingerprint)
        documents.append(
            {
                "model": spec.name,
                "ok": not report.errors,
                "reports": {ending: str(path) for ending, path in files.items()},
            }
        )
        broken += [spec.name] if report.errors else []
    answer(arguments, documents, "")
    if broken:
        raise ContractViolated(
            f"the data of {', '.join(broken)} breaks the contract; see {state.reports()}"
        )


def validate_rows(
    spec: Spec, frame: pd.DataFrame, fingerprint: str
) -> tuple[ValidationReport, dict[str, Path], Dataset | None]:
    """The data checks: their report, its files, and the dataset where there is enough to make one."""
    report, rows = dataset.validate(spec, frame, fingerprint)
    files = validation_report.write(report, state.reports() / spec.name)
    say(validation_report.text(report))
    return report, files, rows
