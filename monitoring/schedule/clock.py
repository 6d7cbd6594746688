"""What time it is, by this machine and by the database, up to when the journal is complete, and what may be judged."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from monitoring.window.spans import watermark

#: Seconds by which clocks of machines may differ, and answers be late.
TOLERANCE = 5.0


class Moment(NamedTuple):
    """Of one look. `skew` is positive where this machine is ahead of the database, or of whom predictions come from."""

    now: dt.datetime
    #: Windows that ended by then are judged.
    watermark: dt.datetime
    skew: float
    reason: str
    #: By now the journal has what was predicted before; earlier than the watermark where a spool keeps all waiting.
    complete: dt.datetime

    @property
    def lags(self) -> bool:
        """Whether windows are judged that rows may be missing from."""
        return self.complete < self.watermark


def read_moment(
    now: dt.datetime,
    database: dt.datetime | None,
    newest: dt.datetime | None,
    lag: float,
    allowance: float,
    patience: float,
) -> Moment:
    """A machine that is ahead of the database would judge windows that are not over: the earlier of both counts.

    A lag is waited for with `patience` seconds at the most: else one node's spool that is stuck, or one replica
    whose clock is wrong, would keep all windows of all models from being judged.
    `newest` is of the journal: a prediction that is yet to be made is of a machine that is ahead of this one.
    """
    skew, reason = 0.0, ""
    if database is not None:
        skew = (now - database).total_seconds()
    if newest is not None and (early := (newest - now).total_seconds()) > max(TOLERANCE, -skew):
        skew = -early
        reason = (
            f"the newest prediction is of {early:.0f} s from now: the clock of a machine that"
            " predicts is ahead, or this one behind"
        )
    elif abs(skew) > TOLERANCE:
        side = "ahead of" if skew > 0 else "behind"
        reason = f"this machine's clock is {abs(skew):.0f} s {side} the database's"
    trusted = now if database is None else min(now, database)
    judged_to = watermark(trusted, min(lag, patience), allowance)
    return Moment(trusted, judged_to, skew, reason, watermark(trusted, lag, allowance))
