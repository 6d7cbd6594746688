"""The pages of what is now: overview and alarms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from flask import Blueprint, render_template, request

from monitoring.findings.retrains import Retrains
from monitoring.findings.scalings import Scalings
from monitoring.findings.store import Arm
from monitoring.findings.values import Alarm, Retrain
from monitoring.pages import access
from monitoring.pages.contents import overview, replicas, runbook
from monitoring.pages.outside.journal import JournalLookup
from monitoring.pages.sources import PageSettings, Sources
from service.journal.errors import JournalError

#: Seconds after which a page renews itself.
REFRESH = 15
#: Of all models, the newest.
MOST_RETRAINS = 200


def install(pages: Blueprint, settings: PageSettings, sources: Sources) -> None:
    store, retrains = sources.store, Retrains(sources.store.engine)
    scalings = Scalings(sources.store.engine)

    @pages.get("/", endpoint="overview")
    def show_overview() -> str:
        key, now = access.caller(), access.now()
        arms = [arm for arm in store.arms() if key.covers(arm.model)]
        standing = [alarm for alarm in store.alarms(standing=True) if key.covers(alarm.model)]
        live = sources.prometheus.now()
        newest = _newest(sources.journal, arms)
        states = [
            state._replace(
                live=live.of_arm(state.record.model, state.record.version, state.record.arm),
                newest=newest.get(state.record.model),
            )
            for state in overview.states(store, overview.serving(arms), standing)
        ]
        late = dt.timedelta(seconds=2 * settings.interval)
        return render_template(
            "overview.html",
            now=now,
            refresh=REFRESH,
            states=states,
            standing=standing,
            sources=store.sources(),
            stale=[
                name
                for name, at in store.last_success().items()
                if key.covers(name) and now - at > late
            ],
            health=live.health,
            replicas=replicas.sentences(scalings, now),
        )

    @pages.get("/alarms", endpoint="alarms")
    def show_alarms() -> str:
        key, name = access.caller(), request.args.get("model")
        if name is not None:
            access.check_covers(name)
        standing, resolved = (
            [alarm for alarm in store.alarms(name, standing=side) if key.covers(alarm.model)]
            for side in (True, False)
        )
        requests = [
            request for request in retrains.newest(name, MOST_RETRAINS) if key.covers(request.model)
        ]
        return render_template(
            "alarms.html",
            now=access.now(),
            refresh=REFRESH,
            model=name,
            can_report=sources.reports is not None,
            standing=standing,
            resolved=resolved,
            retrains=requests,
            retrain_of=lambda alarm: _retrain_of(alarm, requests),
        )


def _retrain_of(alarm: Alarm, requests: Sequence[Retrain]) -> Retrain | None:
    """The newest request that the alarm's alert made while it stood."""
    alert = runbook.alarm_kind(alarm.kind).alert
    mine = (
        request
        for request in requests
        if request.model == alarm.model
        and alert in request.alerts.split(", ")
        and request.asked_at >= alarm.raised_at
        and (alarm.resolved_at is None or request.asked_at <= alarm.resolved_at)
    )
    return next(mine, None)


def _newest(journal: JournalLookup | None, arms: Sequence[Arm]) -> dict[str, dt.datetime | None]:
    """By model; nothing while the journal is down, which is said of the sources."""
    if journal is None:
        return {}
    try:
        return {name: journal.newest(name) for name in {arm.model for arm in arms}}
    except JournalError:
        return {}
