"""An experiment in plain words, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.experiment.values import Comparison, Disagreement, Experiment, Side

CHECKS = {"sample-ratio": "sample ratio", "truth-arrival": "arrival of truth"}
#: What may be done by a verdict.
ADVICE = {
    "worse": "take it back: share 0",
    "better": "it may be promoted",
    "as good": "it may be promoted if there is another reason for it",
    "undecided": "go on",
}


def title_of(experiment: Experiment) -> str:
    how = {"shadow": "in shadow", "none": "which was not asked yet"}.get(experiment.kind)
    if how is None:
        how = (
            "with a share"
            if experiment.share is None
            else f"with {100 * experiment.share:.3g}% of requests"
        )
    ended = experiment.ended_at
    until = "" if ended is None else f", ended {ended:%Y-%m-%d %H:%M} UTC"
    return (
        f"{experiment.model}: challenger {experiment.challenger} {how} against champion"
        f" {experiment.champion}, since {experiment.started_at:%Y-%m-%d %H:%M} UTC{until}"
    )


def sentences_of(experiment: Experiment) -> Iterator[str]:
    """The verdict first, then what it is made of."""
    decided = experiment.decided_at
    since = "" if decided is None else f" since {decided:%Y-%m-%d %H:%M} UTC"
    yield f"{experiment.verdict.upper()}{since}: {experiment.reason} ({ADVICE[experiment.verdict]})"
    yield f"quality  {quality_sentence(experiment.quality)}"
    yield f"errors   {events_sentence(experiment.errors, 'requests failed')}"
    yield f"slow     {events_sentence(experiment.slow, 'subjects and requests met an answer over 250 ms')}"
    for check in experiment.checks:
        word = {True: "as it should be", False: "WRONG", None: "not known"}[check.ok]
        yield f"check    {CHECKS[check.name]}: {word}{': ' * bool(check.reason)}{check.reason}"
    if experiment.disagreement is not None:
        yield from _disagreement_lines(experiment.disagreement, experiment.quality)
    if experiment.part < 1:
        yield f"read     {experiment.part:.2%} of the subjects and requests: there are too many for all"


def quality_sentence(quality: Comparison) -> str:
    challenger, champion = quality.challenger, quality.champion
    if quality.difference is None or challenger.value is None:
        return quality.reason or "not known"
    more = (
        ""
        if quality.more_rows is None
        else f"; about {quality.more_rows:,} more rows with truth are needed"
    )
    reason = f"; {quality.reason}" if quality.reason else ""
    return (
        f"{quality.verdict}: {quality.metric} {_number(challenger.value)}, champion's {_number(champion.value)}:"
        f" {quality.difference:+.4g} ({quality.low:+.4g} to {quality.high:+.4g}), of {challenger.rows:,} and"
        f" {champion.rows:,} rows with truth of {challenger.units:,} and {champion.units:,} subjects or requests"
        f"{reason}{more}"
    )


def events_sentence(comparison: Comparison, what: str) -> str:
    challenger, champion = comparison.challenger, comparison.champion
    if comparison.difference is None:
        return comparison.reason
    verdict = "" if comparison.verdict == "undecided" else f"{comparison.verdict}: "
    reason = f"; {comparison.reason}" if comparison.reason else ""
    return f"{verdict}{_share(challenger)} of the challenger's, {_share(champion)} of the champion's {what}{reason}"


def _disagreement_lines(disagreement: Disagreement, quality: Comparison) -> Iterator[str]:
    is_class = quality.greater_is_better
    if disagreement.value is None:
        yield "shadow   no row was answered by both yet"
        return
    apart = (
        f"{disagreement.value:.2%} differ"
        if is_class
        else f"{disagreement.value:.4g} apart in the mean"
    )
    yield f"shadow   of {disagreement.rows:,} rows that both answered: {apart}"
    for place in disagreement.places:
        value = f"{place['value']:.2%}" if is_class else f"{place['value']:.4g}"
        right = ""
        if place.get("champion_right") or place.get("challenger_right"):
            right = f"; right: champion {place['champion_right']}, challenger {place['challenger_right']}"
        yield f"         {place['where']}: {value}, {place['rows']:,} rows{right}"


def _share(side: Side) -> str:
    return f"{side.events or 0:,} of {side.units:,} ({side.value or 0:.2%})"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
