"""The population as a reference, and what drift is said to be of one column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitoring.drift import judge_columns
from monitoring.findings.values import Finding
from service.bundle.contract import Column, Contract, Output
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Reference
from tests.bench.silence.population import contract, draw
from tests.support.monitoring.windows import reference_of, window_of

RULES = MonitorRules()
CONTRACT = contract()


@pytest.fixture(scope="session")
def reference() -> Reference:
    return reference_of(CONTRACT, draw(20_000, np.random.default_rng(1)))


def rows_of(rows: int, seed: int = 2) -> NDArray[Any]:
    return draw(rows, np.random.default_rng(seed))


def findings_of(findings: list[Finding], kind: str) -> dict[str, Finding]:
    return {finding.column: finding for finding in findings if finding.kind == kind}


def one_column(column: Column) -> Contract:
    return Contract("population", "regression", (column,), (Output("value"),))


def judge_one(
    column: Column, before: list[float] | Any, now: list[float] | Any, rules: MonitorRules = RULES
) -> dict[str, Finding]:
    """The findings of one column by their kind."""
    contract = one_column(column)
    reference = reference_of(contract, np.array(before, dtype=np.float32)[:, np.newaxis])
    window = window_of(np.array(now, dtype=np.float32)[:, np.newaxis])
    findings = judge_columns(window, reference, contract, rules)
    return {finding.kind: finding for finding in findings if finding.column == column.name}
