"""The verdict of an experiment, of its comparisons and checks; and what it keeps of an earlier look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitoring.experiment.values import Check, Comparison, Verdict


class Decision(NamedTuple):
    verdict: Verdict
    #: Why, in a sentence.
    reason: str


def decide(
    errors: Comparison, slow: Comparison, quality: Comparison, checks: Sequence[Check]
) -> Decision:
    """Worse in any of the three is worse. Only quality makes a challenger better, or as good.

    A fault of the checks keeps quality from being compared. It excuses no errors: of a challenger that fails, answers
    are missing in the journal, which is just what the sample ratio finds.
    """
    for comparison, what in ((errors, "more requests fail"), (slow, "more answers are slow")):
        if comparison.verdict == "worse":
            return Decision("worse", f"{what}: {_events(comparison)}")
    fault = next((check for check in checks if check.ok is False), None)
    if fault is not None:
        return Decision("undecided", fault.reason)
    if quality.verdict == "undecided":
        return Decision("undecided", quality.reason or "the difference may still be chance")
    challenger, champion = quality.challenger.value, quality.champion.value
    return Decision(
        quality.verdict,
        f"{quality.metric}: {challenger:.4g} of the challenger, {champion:.4g} of the champion",
    )


def keep(former: Decision, now: Decision, fails: bool) -> Decision:
    """A verdict that was given stays: to look on until it changes would be to wait for the one that one likes.

    But a challenger that fails or is slow by now is stopped, whatever was said of its quality before.
    """
    if former.verdict == "undecided" or (fails and former.verdict != "worse"):
        return now
    return former


def _events(comparison: Comparison) -> str:
    champion, challenger = comparison.champion, comparison.challenger
    return (
        f"{challenger.events:,} of {challenger.units:,} of the challenger, {champion.events:,} of"
        f" {champion.units:,} of the champion"
    )
