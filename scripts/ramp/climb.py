"""A ramp, from its first step to its end: promotion, a share that stays, or no callers for the challenger."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from scripts.command import interrupts
from scripts.command.deadline import Deadline
from scripts.command.outcome import DONE, ROLLED_BACK, Late, Refused, say
from scripts.engine.docker import DockerError
from scripts.ledger import records
from scripts.ramp import ends
from scripts.ramp.ends import End
from scripts.ramp.monitor import Away, Experiment, Monitor
from scripts.ramp.plan import PROMOTE, Plan, steps_from
from scripts.ramp.stack import Change, Served, Stack
from scripts.ramp.watch import Watch

#: Seconds for which a lock is waited for, those for taking a share back, and until either is tried again.
LOCK_SECONDS, BACK_SECONDS, AGAIN = 600.0, 900.0, 5.0
LOCKED = "is locked: "
ALL = 100.0
Ended = dict[str, Any]


def climb(stack: Stack, monitor: Monitor, plan: Plan) -> Ended:
    """What came of it; Stopped where the challenger does not get all callers, and no verdict lets its share stay."""
    served = stack.served()
    with interrupts.going_back():
        return _Ramp(stack, monitor, plan, served).climb()


class _Ramp:
    """One ramp of one challenger. `_served` is what serves as it begins: it is for these two versions alone."""

    def __init__(self, stack: Stack, monitor: Monitor, plan: Plan, served: Served):
        self._stack, self._monitor, self._plan, self._served = stack, monitor, plan, served
        self._watch = Watch(stack, monitor, served, plan.away_seconds)

    def climb(self) -> Ended:
        self._refuse_early()
        steps = steps_from(self._plan.steps, self._served.share)
        say(
            f"ramp of {self._plan.model}: challenger {self._served.challenger} against champion"
            f" {self._served.champion}, {', '.join(f'{step:g}' for step in steps)} % of the requests"
        )
        try:
            for step in steps:
                self._climb_step(step)
            experiment = self._watch.until(
                self._plan.verdict_seconds, _lacks_verdict, ends.UNDECIDED
            )
            if experiment.verdict in PROMOTE[self._plan.promote]:
                return self._promote(experiment)
            return self._stay(experiment)
        except End as end:
            self._end(end)

    def _refuse_early(self) -> None:
        """What needs no step to be known."""
        served = self._served
        if served.share >= ALL:
            raise Refused(
                f"challenger {served.challenger} has all callers of {self._plan.model} already; what is left is"
                f" {self._next_commands()}"
            )
        try:
            experiment = self._monitor.ask().experiment
        except Away as error:
            raise Refused(f"a ramp obeys the monitor: {error}") from error
        is_theirs = experiment is not None and experiment.versions == served.versions
        if is_theirs and experiment is not None and experiment.stop and not served.share:
            raise Refused(
                f"challenger {served.challenger} was found worse than champion {served.champion} already"
                f" ({experiment.reason}), and gets no callers; train another",
                outcome=ends.WORSE.word,
            )

    def _climb_step(self, percent: float) -> None:
        self._watch.heed()
        former = self._watch.experiment
        before = former.requests if former is not None else 0
        why = f"ramp: {percent:g} % for challenger {self._served.challenger}"
        self._give(percent, f"{why}; {self._plan.why}" if self._plan.why else why)
        at, needed = self._watch.begin_anew(), self._plan.needed(percent)
        self._watch.until(
            self._plan.step_seconds,
            lambda experiment: lacking(
                experiment, percent, at, needed + before - experiment.requests
            ),
            ends.TOO_FEW,
        )
        say(
            f"{percent:g} %: the challenger has answered {needed} requests, and nothing speaks against it"
        )

    def _give(self, percent: float, why: str) -> None:
        """By the traffic command, which waits for no lock."""
        deadline = Deadline(LOCK_SECONDS)
        while True:
            change = self._stack.split(self._served, percent, why, self._watch.is_over)
            if change.code == DONE:
                self._watch.percent = percent
                return
            # It may have been ended by what ends the ramp.
            self._watch.heed()
            if LOCKED not in change.reason or deadline.passed:
                kind = ends.CONDEMNED if change.code == ROLLED_BACK else ends.STEP_FAILED
                raise End(kind, f"the step to {percent:g} % failed: {change.reason}")
            say(f"trying again: {change.reason}")
            time.sleep(AGAIN)

    def _promote(self, experiment: Experiment) -> Ended:
        served = self._served
        self._give(
            ALL,
            f"ramp: challenger {served.challenger} is {experiment.verdict} ({experiment.reason}), and has all"
            f" callers; champion is still {served.champion}, until a release makes it the challenger's version",
        )
        say(
            f"{experiment.verdict}: challenger {served.challenger} has all callers of {self._plan.model};"
            f" champion stays {served.champion} until {self._next_commands()}"
        )
        return self._facts("promoted", ALL) | self._verdict(experiment)

    def _next_commands(self) -> str:
        model, version = shlex.quote(self._plan.model), shlex.quote(self._served.challenger)
        return (
            f"`make promote MODEL={model} VERSION={version} WHY='the ramp'` and"
            " `make export image publish deploy`; `make rollback` takes it back"
        )

    def _stay(self, experiment: Experiment) -> Ended:
        percent, verdict = self._watch.percent, experiment.verdict
        reason = (
            f"ramp of {self._plan.model} ended: challenger {self._served.challenger} is {verdict} and keeps"
            f" {percent:g} %, for PROMOTE is {self._plan.promote}"
        )
        say(f"{reason}; nobody watches it from here on")
        self._record(records.STAYS, reason)
        return self._facts(records.STAYS, percent) | self._verdict(experiment)

    def _end(self, end: End) -> NoReturn:
        """Takes the share back where that is due, and raises Stopped."""
        say(f"the ramp ends, {end.kind.word}: {end}")
        change = self._take_back(end) if end.kind.takes_back else None
        share, words = self._left_with()
        if change is None or share:
            self._record(end.kind.word, f"ramp of {self._plan.model} ended: {end}; {words}")
        stopped = end.kind.stopped
        if change is not None and change.code != DONE:
            stopped, words = Late, f"{words}: its share could not be taken back: {change.reason}"
        facts = self._facts(end.kind.word, share)
        raise stopped(f"{self._plan.model}, {end.kind.word}: {end}; {words}", **facts) from end

    def _take_back(self, end: End) -> Change | None:
        """None where there is nothing to take back, or it is another's to say."""
        deadline = Deadline(BACK_SECONDS)
        while (served := self._own(end)) is not None:
            why = f"ramp: no callers for challenger {served.challenger}: {end.kind.word}: {end}"
            change = self._stack.take_back(served, why)
            if change.code == DONE or deadline.passed:
                return change
            say(f"trying again: {change.reason}")
            time.sleep(AGAIN)
        return None

    def _own(self, end: End) -> Served | None:
        """What serves, as long as this ramp's challenger has callers by it. One that somebody else has given a share
        since is theirs, unless it is worse."""
        served = _or_none(self._stack.served)
        if served is None or not served.share or served.challenger != self._served.challenger:
            return None
        is_theirs = end.kind is ends.OVERTAKEN and served.share != self._watch.percent
        return None if is_theirs else served

    def _left_with(self) -> tuple[float | None, str]:
        """The share that the challenger has now, and that in words."""
        model, challenger = self._plan.model, self._served.challenger
        served = _or_none(self._stack.served)
        if served is None or served.challenger != challenger:
            return None, f"`make status` tells what serves of {model}"
        if not served.share:
            return 0.0, f"champion {served.champion} answers all callers"
        return served.share, (
            f"challenger {challenger} keeps {served.share:g} %, and nobody watches it: `make ramp MODEL={model}`"
            f" goes on from there, `make traffic MODEL={model} MODE=off` takes it back"
        )

    def _record(self, outcome: str, reason: str) -> None:
        """An end that changed no traffic stands in the ledger too: who looks later sees that no ramp goes on."""
        serving = self._served.record
        entry = serving.entry(records.RAMP, self._plan.by, self._plan.why)
        ended = entry._replace(outcome=outcome, reason=reason, replaced=serving.release)
        try:
            records.store(self._stack.name, ended)
        except DockerError as error:
            say(f"the ledger does not tell that the ramp ended: {error.words}")

    def _facts(self, outcome: str, share: float | None) -> Ended:
        return {
            "outcome": outcome,
            "model": self._plan.model,
            "champion": self._served.champion,
            "challenger": self._served.challenger,
            "share": share,
        }

    def _verdict(self, experiment: Experiment) -> Ended:
        return {"verdict": experiment.verdict, "reason": experiment.reason}


def lacking(experiment: Experiment, percent: float, at: datetime, requests: int) -> str:
    """What a step of this share, taken at this time, still needs; empty once it is over."""
    if experiment.is_ended:
        return "the monitor has ended this experiment: it sees other versions, or no challenger"
    if experiment.judged_at <= at:
        return f"{percent:g} %: no look of the monitor since the step"
    if experiment.share is None:
        return f"{percent:g} %: replicas say different shares, or the monitor is not told any"
    if abs(experiment.share - percent) > 0.005:
        return f"{percent:g} %: replicas still have {experiment.share:g} %"
    if requests > 0:
        return f"{percent:g} %: the challenger has to answer {requests} more requests"
    return ""


def _lacks_verdict(experiment: Experiment) -> str:
    if experiment.verdict != "undecided":
        return ""
    more = experiment.more_rows
    rows = f"; about {more:,} more rows with truth are needed" if more is not None else ""
    return f"no verdict yet: {experiment.reason}{rows}"


def _or_none(served: Callable[[], Served]) -> Served | None:
    try:
        return served()
    except Refused:
        return None
