"""The stages of a ramp, as they are noted look by look: stretches of time with one share for the challenger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from monitoring.experiment.values import Stage
from monitoring.window.values import Arm

#: Numbers of replicas are so old at most.
SCRAPE = dt.timedelta(seconds=30)
#: An experiment that was seen so long after it began had perhaps another share before.
UNSEEN = dt.timedelta(minutes=10)
#: Of more changes of the share only their time is kept, without a share.
MOST_STAGES = 40
Labels = tuple[str, str, str]


class Served(NamedTuple):
    """What is served of a model now. `share` is None where replicas disagree, as while they are replaced."""

    champion: str
    challenger: str
    share: float | None


def served_models(
    shares: Mapping[Labels, float], unsettled: Collection[Labels]
) -> dict[str, Served | None]:
    """By model, from the shares of each model, version and arm; None where it has no challenger.

    Models with two versions of an arm are left out: replicas are being replaced, and the next look will know.
    """
    versions: dict[str, dict[str, set[str]]] = {}
    for model, version, arm in shares:
        versions.setdefault(model, {}).setdefault(arm, set()).add(version)
    served: dict[str, Served | None] = {}
    for model, arms in versions.items():
        champions, challengers = (arms.get(arm, set()) for arm in ("champion", "challenger"))
        if len(champions) == 1 and not challengers:
            served[model] = None
        elif len(champions) == len(challengers) == 1:
            [champion], [challenger] = champions, challengers
            labels = (model, challenger, "challenger")
            share = None if labels in unsettled else shares[labels]
            served[model] = Served(champion, challenger, share)
    return served


def served_by_predictions(newest: Mapping[Arm, dt.datetime]) -> dict[str, Served | None]:
    """By model, where nobody says the shares: the versions that predicted last in each arm."""
    versions: dict[str, dict[str, str]] = {}
    for arm in sorted(newest, key=lambda arm: newest[arm]):
        versions.setdefault(arm.model, {})[arm.name] = arm.version
    return {
        model: (
            Served(arms["champion"], arms["challenger"], None)
            if {"champion", "challenger"} <= arms.keys()
            else None
        )
        for model, arms in versions.items()
    }


def first_stages(started_at: dt.datetime, now: dt.datetime, share: float | None) -> list[Stage]:
    if share is None or now - started_at <= UNSEEN:
        return [Stage(started_at, share)]
    return [Stage(started_at, None), Stage(now, share)]


def note_share(
    stages: Sequence[Stage], share: float | None, now: dt.datetime, before: dt.datetime
) -> list[Stage]:
    """`before` is the time of the look before. A new share is unsettled until the next look finds it again:

    replicas are replaced one by one, and requests of the former share would look like a wrong one of the new.
    """
    last = stages[-1]
    if share == last.share or len(stages) >= MOST_STAGES:
        return list(stages)
    if last.share is None:
        return [*stages, Stage(max(now, last.start), share)] if share is not None else list(stages)
    changed = max(last.start, before - SCRAPE)
    return [*stages, Stage(changed, None)]


def resume(
    stages: Sequence[Stage], share: float | None, ended_at: dt.datetime, now: dt.datetime
) -> list[Stage]:
    """In between the challenger was not asked: else the champion's rows of that time would look like a wrong share."""
    return [*stages, Stage(max(ended_at, stages[-1].start), None), Stage(now, share)]
