"""`Starter`: a thread that asks Jenkins for what waits, until Jenkins answers; a start of this process loses nothing.

Each build is named by its request in the parameter REASON. So a start whose answer was lost is found among the builds
and not made twice, and Jenkins itself joins two that are equal and wait.
"""

from __future__ import annotations

import datetime as dt

from msgspec.structs import replace

from monitoring.background import BackgroundTask, Note
from monitoring.findings import Retrain, Retrains, Store
from monitoring.findings.job_requests import postponed
from monitoring.retrain.decision import is_over
from monitoring.retrain.taker import facts_of, say
from service.jenkins import Build, JenkinsFault, JenkinsJob

#: Seconds between two looks at what waits.
EVERY = 2.0


class Starter(BackgroundTask):
    """Ends within one request's time limit. `note` is told whether Jenkins takes retrainings, and why not."""

    def __init__(self, store: Store, job: JenkinsJob, note: Note):
        super().__init__("retrain", EVERY)
        self._store, self._job, self._note = store, job, note
        self._retrains = Retrains(store.engine)

    def work(self) -> bool:
        if not self._retrains.are_waiting():
            # Each time: a process before this one may have kept its last word after this one's first.
            self._note(True, "")
        self.start_waiting()
        return False

    def note_fault(self, reason: str) -> None:
        self._note(False, reason)

    def start_waiting(self) -> None:
        """One try of each request whose time has come."""
        now = dt.datetime.now(dt.UTC)
        for request in self._retrains.due(now):
            if self._over.is_set():
                return
            if self._retrains.claim(request, now):
                self._try(request)

    def _try(self, request: Retrain) -> None:
        now = dt.datetime.now(dt.UTC)
        try:
            tried = self._begin(request, now)
        except JenkinsFault as error:
            tried = postponed(request, str(error), now)
            waits = f"the retraining of {request.model} waits, and is tried again"
            self._note(False, f"{error}; {waits}")
        else:
            # Also of one that ended: that Jenkins was down for it is no fault that stays.
            self._note(True, "")
        self._retrains.change(tried)
        if (tried.outcome, tried.reason) != (request.outcome, request.reason):
            say(tried)

    def _begin(self, request: Retrain, now: dt.datetime) -> Retrain:
        settled = replace(request, settled_at=now, next_at=None, reason="")
        if is_over(request, facts_of(self._store, request.model, now)):
            reason = "the alarm ended before the retraining was started"
            return replace(settled, outcome="ended", reason=reason)
        state = self._job.state()
        name = build_name(request)
        same = next((build for build in state.all_builds if build.reason == name), None)
        if same is not None:
            return replace(settled, outcome="started", place=same.url)
        under_way = next(
            (build for build in (state.queued, state.running) if build and _trains(build, request)),
            None,
        )
        if under_way is not None:
            word = "runs" if under_way.building else "is queued"
            reason = f"a training of it {word} already, for: {under_way.reason or 'no reason'}"
            return replace(settled, outcome="joined", reason=reason, place=under_way.url)
        return replace(settled, outcome="started", place=self._job.start(request.model, name))


def build_name(request: Retrain) -> str:
    """The build's REASON: nothing in it changes from one try to the next."""
    of = f"{request.model} version {request.version}" if request.version else request.model
    return (
        f"{request.alerts} of {of}; request {request.id} of"
        f" {request.asked_at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    )


def _trains(build: Build, request: Retrain) -> bool:
    """Without a name it trains all."""
    names = build.model.split()
    return not names or request.model in names
