"""The dataset that every later step of training starts from: rows checked, encoded and split."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from msgspec.structs import replace
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix, Threshold
from service.bundle.rows.encoder import Encoder
from training.common.errors import ContractViolated
from training.data import checks
from training.data.coerce import as_text, coerce
from training.data.leakage import check_encoded
from training.data.report import FEWEST_ROWS, ValidationReport
from training.data.sources import describe_source, wanted
from training.data.split import Split, split
from training.metrics.metric import Score, score_plainly
from training.spec.values import Spec


class Dataset(NamedTuple):
    """`frame` has the usable rows as plain values; `matrix` and `target` are the same rows encoded."""

    contract: Contract
    frame: pd.DataFrame
    matrix: Matrix
    target: NDArray[Any]
    split: Split
    fingerprint: str
    #: Turns answers into what metrics are computed on; by row number among the held-out rows.
    score: Score
    report: ValidationReport | None = None
    #: Of held-out rows alone: the column of `[fairness]`, where it is no input.
    groups: pd.Series[Any] | None = None

    @property
    def train(self) -> tuple[Matrix, NDArray[Any]]:
        return self.matrix[self.split.train], self.target[self.split.train]

    @property
    def held_out(self) -> Matrix:
        return self.matrix[self.split.held_out]

    def deciding_by(self, threshold: Threshold | None) -> Dataset:
        """The same, whose contract tells from which probability on a row is of the second class."""
        return self._replace(contract=replace(self.contract, threshold=threshold))

    def held_out_frame(self) -> pd.DataFrame:
        return self.frame.iloc[self.split.held_out]


def validate(
    spec: Spec, frame: pd.DataFrame, fingerprint: str
) -> tuple[ValidationReport, Dataset | None]:
    """What the checks say of the rows; and the dataset, where there is enough to make one."""
    missing = checks.check_columns(spec, frame, wanted(spec))
    frame, groups = _set_groups_apart(spec, frame)
    coerced = coerce(spec, frame)
    violations, unusable = checks.check_values(spec, coerced)

    def report() -> ValidationReport:
        heeded = tuple(each for each in violations if each.severity != "off")
        listed = checks.checks_of(spec)
        source = describe_source(spec)
        return ValidationReport(
            spec.name, source, fingerprint, len(frame), listed, heeded, unusable
        )

    if missing:
        violations, unusable = missing + violations, np.ones(len(frame), dtype=bool)
        return report(), None
    usable = int((~unusable).sum())
    violations += checks.check_rows(spec, usable)
    if usable < FEWEST_ROWS:
        return report(), None
    dataset = encode_and_split(spec, coerced.frame[~unusable].reset_index(drop=True), fingerprint)
    violations += check_encoded(
        spec, Encoder(dataset.contract), dataset.matrix, dataset.target, dataset.split
    )
    if groups is not None:
        groups = groups[~unusable].iloc[dataset.split.held_out]
    return report(), dataset._replace(report=report(), groups=groups)


def _set_groups_apart(
    spec: Spec, frame: pd.DataFrame
) -> tuple[pd.DataFrame, pd.Series[Any] | None]:
    """The rows without the groups that the model must not see, before anything is made of them; and those as text."""
    name = spec.group_beside
    if not name or name not in frame:
        return frame, None
    groups = frame[name].map(lambda value: None if pd.isna(value) else as_text(value))
    return frame.drop(columns=name), groups.astype(object)


def require_valid(report: ValidationReport, dataset: Dataset | None) -> Dataset:
    """The dataset of a report without errors; ContractViolated otherwise."""
    if report.errors or dataset is None:
        lines = [
            f"  {error.column or 'data'}: {error.message} ({error.count} rows)"
            for error in report.errors
        ]
        raise ContractViolated(
            f"{report.model}: {report.source} breaks the contract\n" + "\n".join(lines)
        )
    return dataset


def encode_and_split(spec: Spec, frame: pd.DataFrame, fingerprint: str) -> Dataset:
    """The dataset of rows that keep the contract."""
    values = frame[spec.source.target]
    classes = tuple(sorted(values.unique())) if spec.task == "classification" else ()
    contract = spec.contract(classes)
    target = (
        _class_numbers(contract, values) if contract.classes else values.to_numpy(dtype=np.float64)
    )
    parts = split(spec, frame)
    score = score_plainly(target[parts.held_out], contract)
    return Dataset(contract, frame, encode(contract, frame), target, parts, fingerprint, score)


def encode(contract: Contract, frame: pd.DataFrame) -> Matrix:
    return Encoder(contract).encode_columns(
        {name: frame[name].to_numpy() for name in contract.names}
    )


def _class_numbers(contract: Contract, values: pd.Series[Any]) -> NDArray[np.int64]:
    numbers = {name: number for number, name in enumerate(contract.classes)}
    return np.asarray(values.map(numbers), dtype=np.int64)
