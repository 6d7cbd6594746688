"""A spec's rows, read, checked, encoded and split: what every later step of training starts from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix
from service.bundle.encoder import Encoder
from training.common.errors import ContractViolated
from training.data import checks, leakage, sources
from training.data.conform import conform
from training.judge.evaluation import Score, plain_scores
from training.spec.values import Spec


class Dataset(NamedTuple):
    """`frame` has the usable rows as plain values; `matrix` and `target` are the same rows encoded."""

    contract: Contract
    frame: pd.DataFrame
    matrix: Matrix
    target: NDArray[Any]
    split: sources.Split
    fingerprint: str
    report: checks.Report | None = None
    #: Turns answers into what metrics are computed on; by row number among the held-out rows.
    score: Score | None = None

    @property
    def train(self) -> tuple[Matrix, NDArray[Any]]:
        return self.matrix[self.split.train], self.target[self.split.train]

    @property
    def held_out(self) -> Matrix:
        return self.matrix[self.split.held_out]

    def held_out_frame(self) -> pd.DataFrame:
        return self.frame.iloc[self.split.held_out]


def check(
    spec: Spec, frame: pd.DataFrame, fingerprint: str
) -> tuple[checks.Report, Dataset | None]:
    """Everything that the checks find; and the dataset, where there is enough to make one."""
    missing = checks.check_columns(spec, frame, sources.wanted(spec))
    conformed = conform(spec, frame)
    violations, unusable = checks.check_values(spec, conformed)
    if missing:
        nothing = np.ones(len(frame), dtype=bool)
        return _reported(spec, frame, fingerprint, missing + violations, nothing), None
    violations += checks.check_rows(spec, int((~unusable).sum()))
    if (~unusable).sum() < 10:
        return _reported(spec, frame, fingerprint, violations, unusable), None
    made = make(spec, conformed.frame[~unusable].reset_index(drop=True), fingerprint)
    violations += leakage.suspicions(
        spec, Encoder(made.contract), made.matrix, made.target, made.split
    )
    found = _reported(spec, frame, fingerprint, violations, unusable)
    return found, made._replace(report=found)


def _reported(
    spec: Spec,
    frame: pd.DataFrame,
    fingerprint: str,
    violations: list[checks.Violation],
    unusable: NDArray[np.bool_],
) -> checks.Report:
    kept = tuple(violation for violation in violations if violation.severity != "off")
    checked = checks.checks_of(spec)
    return checks.Report(
        spec.name, sources.describe_source(spec), fingerprint, len(frame), checked, kept, unusable
    )


def make(spec: Spec, frame: pd.DataFrame, fingerprint: str) -> Dataset:
    """Rows that conform to the contract, encoded and split."""
    values = frame[spec.source.target]
    classes = tuple(sorted(values.unique())) if spec.task == "classification" else ()
    contract = spec.contract(classes)
    target = (
        _class_numbers(contract, values) if contract.classes else values.to_numpy(dtype=np.float64)
    )
    split = sources.split(spec, frame)
    score = plain_scores(target[split.held_out], spec.task == "classification")
    return Dataset(
        contract, frame, encode(contract, frame), target, split, fingerprint, score=score
    )


def encode(contract: Contract, frame: pd.DataFrame) -> Matrix:
    return Encoder(contract).encode_columns(
        {name: frame[name].to_numpy() for name in contract.names}
    )


def _class_numbers(contract: Contract, values: pd.Series[Any]) -> NDArray[np.int64]:
    numbers = {name: number for number, name in enumerate(contract.classes)}
    return np.asarray(values.map(numbers), dtype=np.int64)


def require(found: checks.Report, made: Dataset | None) -> Dataset:
    """The dataset of a report without errors; ContractViolated otherwise."""
    if found.errors or made is None:
        lines = [
            f"  {item.column or 'data'}: {item.message} ({item.count} rows)"
            for item in found.errors
        ]
        raise ContractViolated(
            f"{found.model}: {found.source} breaks the contract\n" + "\n".join(lines)
        )
    return made
