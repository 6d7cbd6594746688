"""The dataset that the checks leave: without the rows that cannot be used, or none at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.plants import SpecOf
from tests.support.validation import put
from training.common.errors import ContractViolated
from training.data import dataset


def test_rows_that_only_warn_are_left_out_of_the_data_set(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    spec = spec_of(checks={"ranges": "warning"})
    report, data = dataset.validate(spec, put(frame, "light", {0: 99, 5: 99}), "fingerprint")
    assert [violation.severity for violation in report.violations] == ["warning"]
    assert list(np.flatnonzero(report.unusable)) == [0, 5]
    assert len(dataset.require_valid(report, data).matrix) == 298


def test_an_error_gives_no_data_set_and_names_the_column(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    report, data = dataset.validate(spec_of(), put(frame, "light", {0: 99}), "fingerprint")
    with pytest.raises(ContractViolated, match="light: is not a finite number from 0 to 10"):
        dataset.require_valid(report, data)


def test_too_few_usable_rows_to_split_give_no_data_set(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    report, data = dataset.validate(spec_of(), frame[:9], "fingerprint")
    assert data is None
    assert [violation.check for violation in report.errors] == ["rows"]
