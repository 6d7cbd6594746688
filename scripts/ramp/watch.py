"""The watch over a ramp: what the monitor says, whether the ledger is as the ramp left it, and signals."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime

from scripts.command import interrupts
from scripts.command.deadline import Deadline
from scripts.command.outcome import Refused, say
from scripts.engine.docker import DockerError
from scripts.ramp import ends
from scripts.ramp.ends import End, Kind
from scripts.ramp.monitor import Answer, Away, Experiment, Monitor
from scripts.ramp.stack import Served, Stack

#: Seconds between two questions to the monitor, between two looks at the ledger, and until a wait is said again.
POLL, LEDGER_EVERY, TELL_EVERY = 2.0, 10.0, 300.0
NO_ANSWER = "the monitor does not answer"


class Watch:
    """From when a ramp begins on. `served` is what serves then; `percent` the share that the ramp has given."""

    def __init__(self, stack: Stack, monitor: Monitor, served: Served, away_seconds: float):
        self._stack, self._monitor = stack, monitor
        self._versions = served.versions
        self._away_seconds = away_seconds
        self.percent = served.share
        #: Of the challenger against this champion, as far as the monitor has said.
        self.experiment: Experiment | None = None
        #: By the clock of `time.monotonic`.
        self._heard, self._ledger_next, self._tell_next = time.monotonic(), 0.0, 0.0
        self._said = ""

    def begin_anew(self) -> datetime:
        """Now, as the monitor has it: after a step it has as long as ever to be heard. End where it is away."""
        self._heard, deadline = time.monotonic(), Deadline(self._away_seconds)
        while (answer := self._look()) is None:
            self._pause(deadline, NO_ANSWER, ends.AWAY)
        return answer.at

    def until(self, seconds: float, lack: Callable[[Experiment], str], kind: Kind) -> Experiment:
        """The experiment, once it lacks nothing. End of this kind when the time is over, and of others at any time."""
        deadline = Deadline(seconds)
        while True:
            if self._look() is None:
                words = NO_ANSWER
            elif self.experiment is None:
                words = "the monitor has not judged these two versions yet"
            elif not (words := lack(self.experiment)):
                return self.experiment
            self._pause(deadline, words, kind)

    def _pause(self, deadline: Deadline, words: str, kind: Kind) -> None:
        if deadline.passed:
            raise End(kind, f"not within {deadline.seconds / 60:g} minutes: {words}")
        self._say_waiting(words)
        time.sleep(POLL)

    def heed(self) -> None:
        """Raises what ends a ramp."""
        self._look()
        self._need_own_share()

    def is_over(self) -> bool:
        """Whether a change of traffic that is under way is not wanted any more."""
        if interrupts.reason():
            return True
        try:
            self._ask()
        except Away:
            return False
        return self.experiment is not None and self.experiment.stop

    def _look(self) -> Answer | None:
        """What the monitor answers; None where it does not."""
        if reason := interrupts.reason():
            raise End(ends.INTERRUPTED, reason)
        answer, why = None, ""
        try:
            answer = self._ask()
        except Away as error:
            why = str(error)
        if self.experiment is not None and self.experiment.stop:
            raise End(ends.WORSE, self.experiment.reason)
        if time.monotonic() - self._heard > self._away_seconds:
            raise End(ends.AWAY, self._silence(why))
        if time.monotonic() >= self._ledger_next:
            self._need_own_share()
        return answer

    def _ask(self) -> Answer:
        answer = self._monitor.ask()
        # What is said of other versions is of an experiment before this one.
        if answer.experiment is not None and answer.experiment.versions == self._versions:
            former, self.experiment = self.experiment, answer.experiment
            # A monitor whose pages answer may have ceased to judge.
            if former is None or answer.experiment.judged_at > former.judged_at:
                self._heard = time.monotonic()
        return answer

    def _silence(self, why: str) -> str:
        minutes = f"for {self._away_seconds / 60:g} minutes"
        if why:
            return f"nothing new of the monitor {minutes}: {why}"
        if self.experiment is None:
            return f"the monitor answers, and has judged nothing of these two versions {minutes}"
        return (
            f"the monitor answers, and has judged nothing {minutes}, since"
            f" {self.experiment.judged_at:%H:%M:%S} UTC: `make status` tells how it does"
        )

    def _need_own_share(self) -> None:
        self._ledger_next = time.monotonic() + LEDGER_EVERY
        try:
            served = self._stack.served()
        except DockerError as error:
            say(f"the Swarm cannot tell what serves: {error.words}")
            return
        except Refused as error:
            raise End(ends.OVERTAKEN, str(error)) from error
        if served.versions != self._versions:
            raise End(
                ends.OVERTAKEN,
                f"release {served.record.release} serves champion and challenger"
                f" {' and '.join(served.versions)} by now, and no more {' and '.join(self._versions)}",
            )
        if served.share != self.percent:
            by = served.record.by
            raise End(
                ends.OVERTAKEN, f"{by} has set the share to {served.share:g} % in the meantime"
            )

    def _say_waiting(self, words: str) -> None:
        now = time.monotonic()
        # How many are lacking changes at every look.
        kind = re.sub(r"\d", "", words)
        if now >= self._tell_next or kind != self._said:
            say(f"waiting: {words}")
            self._said, self._tell_next = kind, now + TELL_EVERY
