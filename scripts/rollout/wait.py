"""Waits for a stack to become what it is meant to be, and says meanwhile what it waits for and how it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Set

from scripts.command import interrupts
from scripts.command.deadline import Deadline
from scripts.command.outcome import say
from scripts.edge import smoke
from scripts.edge.canary import Tally
from scripts.edge.canary_watch import CanaryWatch
from scripts.edge.client import EdgeClient
from scripts.engine import swarm
from scripts.engine.docker import DockerError, last_lines
from scripts.engine.swarm import View
from scripts.image.release import Release
from scripts.rollout import convergence

POLL, TELL_EVERY = 1.0, 15.0
#: Between two looks at the Swarm, so many at the edges' counters alone: each is one edge's, and callers meet both.
GLANCES = 4
#: Swarm looks for a node for ever. With nobody leaving, room comes only from people, or from a node that comes back.
PATIENCE_FOR_ROOM = 20.0


class NotGood(Exception):
    """The new release is not good; the message is why, in one sentence."""


class Condemned(NotGood):
    """Its replicas answer badly: they get no callers while the release is taken back."""


class TooLate(Exception):
    """The deadline passed; the message is what was still waited for."""


class NoRoom(Exception):
    """No node has room for a replica, and none gets any: there is nothing to wait for."""


class Wait:
    """One deploy's wait, from before it changes anything: `view` is how things are then."""

    def __init__(
        self,
        stack: str,
        release: Release,
        edge_of: Callable[[View], EdgeClient],
        expected: Mapping[str, str],
        view: View,
        *,
        deadline: Deadline,
        proven: Set[str] = frozenset(),
        condemned: str = "",
    ):
        self._stack = stack
        self._release = release
        self._edge_of = edge_of
        self._expected = expected
        self._deadline = deadline
        self._proven = proven
        #: The image whose replicas are to get no callers.
        self._condemned = condemned
        self._baseline = convergence.baseline(view)
        self._canary = CanaryWatch(f"{stack}_model", release, edge_of, view)
        self._unplaceable_since: float | None = None
        self._said: tuple[str, ...] = ()
        self._next_saying = 0.0

    def until_converged(self, is_judging: bool) -> View:
        """The stack, once it is as it is meant to be; meanwhile the new replicas are judged, or only counted."""
        while True:
            heed()
            view = self._view()
            if view is None:
                continue
            state = self._state(view, self._proven)
            if is_judging:
                self._judge(view)
            else:
                self._canary.look(view)
                if self._condemned:
                    self._canary.contain_image(view, self._condemned, "its release is taken back")
            if state.converged:
                return view
            self._say_waiting(state.waiting)
            self.need_room(convergence.unplaceable(view))
            self._heed_deadline("; ".join(state.waiting[:3]))
            self._pause(view, is_judging)

    def until_proven(self, view: View) -> None:
        """Until callers are answered by the release alone."""
        while True:
            heed()
            edge = self._edge_of(view)
            if wrong := smoke.wrong_answers(edge, self._release):
                raise Condemned(wrong)
            unmet = smoke.unmet(edge, self._release, view, f"{self._stack}_model")
            if not unmet:
                break
            self._say_waiting((f"smoke test: {unmet}",))
            self.rest(unmet)
            view = self._view() or view
        say(f"smoke test: {len(list(smoke.targets(self._release)))} versions as exported")

    def watch(self, seconds: float) -> Tally:
        """Goes on judging for a while after all is in; what the new replicas did."""
        watch = Deadline(min(seconds, self._deadline.left(0.0)))
        if seconds:
            say(f"watching the new replicas for {seconds:g} s")
        while not watch.passed:
            heed()
            view = self._view()
            if view is not None:
                self._state(view, frozenset())
                self._judge(view)
            self._pause(view, view is not None)
        return self._canary.tally()

    def need_room(self, lack: str) -> None:
        """Nothing is waited for that no node has room for; `lack` is empty where all have a place."""
        since = self._unplaceable_since or time.monotonic()
        self._unplaceable_since = since if lack else None
        if lack and time.monotonic() - since > PATIENCE_FOR_ROOM:
            raise NoRoom(f"{lack}; add a node, or lower what a replica reserves")

    def rest(self, what: str) -> None:
        self._heed_deadline(what)
        time.sleep(POLL)

    def _heed_deadline(self, what: str) -> None:
        if self._deadline.passed:
            raise TooLate(what)

    def _pause(self, view: View | None, is_judging: bool) -> None:
        for _ in range(GLANCES):
            time.sleep(POLL / GLANCES)
            if view is not None and is_judging:
                self._condemn(view, self._canary.glance())

    def _view(self) -> View | None:
        try:
            return swarm.look(self._stack)
        except DockerError as error:
            self._say_waiting((f"the manager does not answer: {error.words}",))
            self.rest(f"the manager did not answer: {error.words}")
            return None

    def _state(self, view: View, proven: Set[str]) -> convergence.State:
        state = convergence.judge(view, self._expected, self._baseline, proven)
        if state.failed:
            raise NotGood(state.failed + _last_words(state.task))
        return state

    def _judge(self, view: View) -> None:
        self._condemn(view, self._canary.fault(view))

    def _condemn(self, view: View, fault: str) -> None:
        if fault:
            # Before the way back, which takes its time.
            self._canary.contain(view, fault)
            raise Condemned(fault)

    def _say_waiting(self, lines: tuple[str, ...]) -> None:
        """What is new at once, all of it now and then."""
        now = time.monotonic()
        is_time = now >= self._next_saying
        if lines == self._said and not is_time:
            return
        for line in lines:
            if is_time or line not in self._said:
                say(f"waiting: {line}")
        self._said, self._next_saying = lines, now + TELL_EVERY


def heed() -> None:
    """Ends here what somebody has interrupted."""
    if reason := interrupts.reason():
        raise NotGood(reason)


def _last_words(task: str) -> str:
    """What the replica that broke wrote last."""
    try:
        lines = last_lines(task, 2) if task else []
    except DockerError:
        return ""
    return f"; it said: {' / '.join(lines)}" if lines else ""
