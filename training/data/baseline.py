"""How good an answer is that looks at no column, and a first gate that asks for more."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.common.numbers import number

#: How much of the way from the baseline to perfect a first gate asks for.
STEP = 0.05
#: Where the rarest class has a smaller share, few models call it at all, however well they order the rows.
RARE = 0.1


def class_gate(counts: Counter[str]) -> list[str]:
    """The gate of a classification, below what was measured, as lines of a spec."""
    ((commonest, most), *_), total = counts.most_common(), sum(counts.values())
    share = most / total
    # All rows called by the commonest class: its precision is its share, its recall 1; all others have 0.
    f1 = 2 * share / (1 + share) / len(counts)
    lines = [
        f"# Without a look at any column: the commonest class {commonest!r} is right for {share:.1%} of the rows, f1"
        f" {number(f1)}; auc 0.5."
    ]
    if min(counts.values()) / total < RARE:
        lines.append("# A class is rare, so the gate is of how well the rows are put in order.")
        return [*lines, "metrics = { auc = { min = 0.55 } }"]
    gate = math.ceil((f1 + STEP * (1 - f1)) * 1000) / 1000
    return [*lines, f"metrics = {{ f1 = {{ min = {gate} }} }}"]


def number_gate(values: NDArray[Any]) -> list[str]:
    """The gate of a regression, below what was measured, as lines of a spec."""
    rmse, mae = np.std(values), np.mean(np.abs(values - np.median(values)))
    return [
        f"# Without a look at any column: the mean has r2 0 and rmse {number(float(rmse))}, the median has mae"
        f" {number(float(mae))}.",
        f"metrics = {{ r2 = {{ min = {STEP} }} }}",
    ]
