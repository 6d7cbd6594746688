"""`Scaler`: a thread that measures what the load needs and, where AUTOSCALE is on, asks Jenkins for as many replicas.

Each build is named by its order in the parameter REASON. So a start whose answer was lost is found among the builds and
not made twice, and an order of a process that has ended is gone on with by the next one.
"""

from __future__ import annotations

import datetime as dt

from msgspec.structs import replace

from monitoring.background import BackgroundTask, Note
from monitoring.findings import Capacity, Scaling, Scalings, Store
from monitoring.findings.job_requests import LEASE, postponed
from monitoring.scale import decision
from monitoring.scale.capacity import Load, Unmeasured, measure, replicas_for
from monitoring.scale.decision import Rules
from service.jenkins import JenkinsFault, JenkinsJob
from service.process.logs import log

#: Seconds between two measurements: Prometheus asks as often.
EVERY = 15.0


class Scaler(BackgroundTask):
    """Without a job it only measures. `note` is told whether Jenkins takes orders, and why not."""

    def __init__(
        self, store: Store, prometheus: str, rules: Rules, job: JenkinsJob | None, note: Note
    ):
        super().__init__("scale", EVERY)
        self._prometheus, self._rules, self._job, self._note = prometheus, rules, job, note
        self._scalings = Scalings(store.engine)

    def work(self) -> bool:
        try:
            load = measure(self._prometheus, self._rules.quiet)
        except Unmeasured:
            # The schedule says that Prometheus is down; what was measured last gets old.
            return False
        self._keep(load)
        if self._job is not None:
            self._order(load, self._job)
        return False

    def note_fault(self, reason: str) -> None:
        self._note(False, reason)

    def _keep(self, load: Load) -> None:
        number = replicas_for(load.busiest, load.cores)
        self._scalings.keep_capacity(
            Capacity(
                measured_at=dt.datetime.now(dt.UTC),
                busiest=load.busiest,
                cores=load.cores,
                ordered=load.ordered,
                needed=self._rules.bounds.within(number),
                unbounded=number,
            )
        )

    def _order(self, load: Load, job: JenkinsJob) -> None:
        now = dt.datetime.now(dt.UTC)
        if not self._scalings.are_waiting():
            # Each time: a process before this one may have kept its last word after this one's first.
            self._note(True, "")
        self._scalings.take(lambda history: decision.decide(load, self._rules, history, now))
        for scaling in self._scalings.due(now):
            if self._scalings.claim(scaling, now):
                self._try(scaling, load, job, now)

    def _try(self, scaling: Scaling, load: Load, job: JenkinsJob, now: dt.datetime) -> None:
        try:
            tried = self._start(scaling, load, job, now)
        except JenkinsFault as error:
            tried = postponed(scaling, str(error), now)
            self._note(False, f"{error}; {scaling.last} replicas are needed, and it is tried again")
        else:
            self._note(True, "")
        self._scalings.change(tried)
        if (tried.outcome, tried.reason) != (scaling.outcome, scaling.reason):
            _say(tried)

    def _start(self, scaling: Scaling, load: Load, job: JenkinsJob, now: dt.datetime) -> Scaling:
        state, name = job.state(), build_name(scaling)
        same = next((build for build in state.all_builds if build.reason.endswith(name)), None)
        settled = replace(scaling, next_at=None, settled_at=now, reason="")
        if same is not None:
            return replace(settled, outcome="started", place=same.url)
        target = decision.target_of(load, self._rules)
        if target is None:
            reason = "the load changed before it was started"
            return replace(settled, outcome="ended", reason=reason)
        if state.in_queue or state.running:
            reason = "another change of replicas is under way"
            return replace(scaling, next_at=now + LEASE / 4, reason=reason)
        # The load of now, which may have changed while Jenkins did not answer.
        settled = replace(settled, first=load.ordered, last=target.replicas, why=target.why)
        parameters = {"REPLICAS": str(target.replicas), "REASON": f"{target.why}; {name}"}
        return replace(settled, outcome="started", place=job.start_with(parameters))


def build_name(scaling: Scaling) -> str:
    """The end of the build's REASON: nothing in it changes from one try to the next."""
    return f"AUTOSCALE order {scaling.id} of {scaling.asked_at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def _say(scaling: Scaling) -> None:
    """One line in the log for each change of what becomes of an order."""
    words = f"replicas {scaling.first} -> {scaling.last}: {scaling.outcome}: {scaling.reason or scaling.why}"
    log(
        "warning" if scaling.outcome == "waiting" else "info",
        "scale",
        message=words,
        outcome=scaling.outcome,
        reason=scaling.reason or None,
        place=scaling.place or None,
    )
