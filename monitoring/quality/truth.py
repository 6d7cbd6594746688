"""How much truth is in, how late it came, what was corrected, and whether it is of rows like the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from monitoring.findings.values import Finding
from monitoring.window.values import TruthRows, Window, answers_of
from service.bundle.contract import Contract
from service.bundle.monitor_rules import MonitorRules
from training.metrics.effects import category_effect, number_effect, quantiles_of

#: The chance that rows with truth, drawn by chance from a window, are said to differ from it in some column.
LEVEL = 0.01


class _Pair(NamedTuple):
    """Values of a column or of a part of it, without nulls, in rows with truth and in all rows."""

    name: str
    column: str
    categories: int
    with_truth: NDArray[Any]
    all: NDArray[Any]


def judge_truth(
    truth_rows: TruthRows, window: Window, contract: Contract, rules: MonitorRules
) -> list[Finding]:
    share = truth_rows.with_truth / truth_rows.rows if truth_rows.rows else 0.0
    details = {"known": truth_rows.with_truth, "corrected": truth_rows.corrected}
    findings = [
        Finding(
            kind="truth", column="share", verdict="ok", value=share, rows=truth_rows.rows, details=details
        )
    ]  # fmt: skip
    if len(truth_rows.delay):
        median, late = np.quantile(truth_rows.delay, [0.5, 0.9]).tolist()
        findings.append(
            Finding(
                kind="truth", column="delay", verdict="ok", value=median, rows=truth_rows.with_truth,
                details={"p90": late},
            )
        )  # fmt: skip
    if 0 < truth_rows.with_truth < truth_rows.rows:
        findings.append(_selection(truth_rows, window, contract, rules))
    return findings


def _selection(
    truth_rows: TruthRows, window: Window, contract: Contract, rules: MonitorRules
) -> Finding:
    """Truth that comes first for complaints makes a quality that is not the window's."""
    rows = len(truth_rows.truth)
    if rows < rules.least_rows:
        reason = f"not enough rows with truth: {rows:,} of at least {rules.least_rows:,}"
        return Finding(kind="truth", column="selection", verdict="unknown", reason=reason, rows=rows)  # fmt: skip
    pairs = list(_pairs(truth_rows, window, contract))
    effects = {pair.name: _effect(pair) for pair in pairs}
    apart = [
        pair.name
        for pair in pairs
        if effects[pair.name] >= rules.floor_of(pair.column) and _chance(pair) < LEVEL / len(pairs)
    ]
    apart.sort(key=lambda name: -effects[name])
    return Finding(
        kind="truth",
        column="selection",
        verdict="raised" if apart else "ok",
        reason=f"the rows with truth are not like the window's in {', '.join(apart)}" if apart else "",
        value=max(effects.values(), default=0.0),
        bound=rules.floor,
        rows=rows,
        details={"effects": {name: effects[name] for name in apart}},
    )  # fmt: skip


def _pairs(truth_rows: TruthRows, window: Window, contract: Contract) -> Iterator[_Pair]:
    """Columns and the first output; not those without a value, as sensitive ones are."""
    for part in contract.parts:
        pair = _Pair(
            part.name,
            part.column.name,
            len(part.column.levels),
            part.values(truth_rows.matrix),
            part.values(window.matrix),
        )
        yield from _without_nulls(pair)
    with_truth, every = (answers_of(rows.values) for rows in (truth_rows, window))
    output = contract.outputs[0].name
    yield from _without_nulls(_Pair(output, output, len(contract.classes), with_truth, every))


def _without_nulls(pair: _Pair) -> Iterator[_Pair]:
    """Nothing where no value is left."""
    with_truth, every = (np.asarray(values, np.float64) for values in (pair.with_truth, pair.all))
    with_truth, every = with_truth[~np.isnan(with_truth)], every[~np.isnan(every)]
    if len(with_truth) and len(every):
        yield pair._replace(with_truth=with_truth, all=every)


def _effect(pair: _Pair) -> float:
    if pair.categories:
        return category_effect(*_counts(pair))
    return number_effect(pair.with_truth, quantiles_of(pair.all), float(pair.all.std()))


def _chance(pair: _Pair) -> float:
    if not pair.categories:
        return float(ks_2samp(pair.with_truth, pair.all, method="asymp").pvalue)
    table = np.array(_counts(pair))
    table = table[:, table.sum(axis=0) > 0]
    return float(chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0


def _counts(pair: _Pair) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    with_truth, every = (
        np.bincount(values.astype(np.intp), minlength=pair.categories)
        for values in (pair.with_truth, pair.all)
    )
    return with_truth, every
