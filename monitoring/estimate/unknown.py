"""Why an estimate cannot be known: what the held-out rows that it is made of say nothing about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from monitoring.estimate.blocks import share_in_small_blocks
from monitoring.estimate.interval import Predictions
from monitoring.findings.values import Finding
from service.bundle.contract import Contract
from service.bundle.reference import Calibration, NumberProfile, Reference

#: From this AUC on, a classifier tells most of a window's rows from the reference's: they are other rows.
FOREIGN_AUC = 0.8
#: A block of like score needs so many held-out rows; as much of a window may be in blocks with less.
BLOCK_ROWS = 50
SMALL_BLOCKS_SHARE = 0.05
#: As much of a window may lie outside the middle 99.8 % of the reference, and more where chance gives more.
OUTSIDE_SHARE = 0.02
#: The chance that some column of a window like the reference is said to lie outside.
OUTSIDE_LEVEL = 0.001


def reason_before_scores(
    rows: Predictions,
    reference: Reference | None,
    contract: Contract,
    least_rows: int,
    drift_findings: Sequence[Finding],
) -> str:
    """Empty if there is none. What costs least to know is asked first."""
    if contract.task == "optimization":
        return "no truth by row: a recipe is not right or wrong"
    if reference is None:
        return "no reference: the bundle is of before there were estimates; train the model anew"
    if reference.calibration.unknown:
        return f"no calibration: {reference.calibration.unknown}"
    if len(rows.values) < least_rows:
        return f"not enough rows: {len(rows.values):,} of at least {least_rows:,}"
    if contract.task == "classification" and rows.probabilities is None:
        return "no probabilities in the journal"
    return _reason_of_relation(drift_findings) or _reason_outside(rows, reference, contract)


def reason_by_scores(scores: Mapping[str, NDArray[Any]], calibration: Calibration) -> str:
    """Empty if enough held-out rows had such scores as these."""
    share = max(
        share_in_small_blocks(scores[loss], blocks, BLOCK_ROWS)
        for loss, blocks in calibration.blocks.items()
    )
    if share <= SMALL_BLOCKS_SHARE:
        return ""
    return (
        f"{share:.0%} of the rows have scores that fewer than {BLOCK_ROWS} held-out rows had;"
        f" {SMALL_BLOCKS_SHARE:.0%} may"
    )


def _reason_of_relation(drift_findings: Sequence[Finding]) -> str:
    areas = [finding.value for finding in drift_findings if finding.kind == "relation"]
    area = max((area for area in areas if area is not None), default=0.0)
    if area < FOREIGN_AUC:
        return ""
    return (
        f"the rows are not like the reference's: a classifier tells them apart with an AUC of {area:.2f};"
        f" below {FOREIGN_AUC:g} they may be compared"
    )


def _reason_outside(rows: Predictions, reference: Reference, contract: Contract) -> str:
    """The column of which the most lies outside, if that is too much. A date moves on by itself, past any reference."""
    profiles = [
        (part, profile)
        for part in contract.parts
        if isinstance(profile := reference.columns.get(part.name), NumberProfile)
        and profile.quantiles
        and part.time != "days"
    ]
    level = OUTSIDE_LEVEL / max(1, len(profiles))
    worst, column, allowed = 0.0, "", 1.0
    for part, profile in profiles:
        values = part.values(rows.matrix)
        values = values[~np.isnan(values)]
        if len(values) == 0:
            continue
        share, limit = _share_outside(values, profile), _allowed(len(values), profile, level)
        if share > limit and share > worst:
            worst, column, allowed = share, part.name, limit
    if not column:
        return ""
    return (
        f"{worst:.1%} of {column} lie outside the middle 99.8 % of the reference; {allowed:.1%} may"
    )


def _share_outside(values: NDArray[Any], profile: NumberProfile) -> float:
    # The quantiles came from float32 or wider: a value equal to one is inside.
    low, high = np.float32(profile.quantiles[1]), np.float32(profile.quantiles[-2])
    return float(np.mean((values < low) | (values > high)))


def _allowed(rows: int, profile: NumberProfile, level: float) -> float:
    """What chance gives at most: 0.2 %, more as the reference's own ends are unsure, and more in few rows."""
    present_rows = max(1, profile.rows - profile.nulls)
    outside = min(1.0, 0.002 + 3 * math.sqrt(0.002 / present_rows))
    return max(OUTSIDE_SHARE, float(binom.ppf(1 - level, rows, outside)) / rows)
