"""Waits for a stack to become what it is meant to be, and tells meanwhile what it waits for and how it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Set

from scripts.command import interrupts
from scripts.command.outcome import say
from scripts.edge import canary, client, journal_lag, verify
from scripts.edge.client import Access
from scripts.engine import swarm
from scripts.engine.docker import DockerError, last_lines
from scripts.engine.swarm import View
from scripts.image.release import Intended
from scripts.release import convergence

POLL, GOLDEN_EVERY, TELL_EVERY = 1.0, 3.0, 15.0
#: The edge finds a replica within two seconds; one that it finds unready this long is not good.
#: Swarm goes on meanwhile, replacing good ones, so it must not be long.
UNREADY = 6.0
#: Swarm looks for a node for ever. With nobody leaving, room comes only from people, or from a node that comes back.
HOMELESS = 20.0


class Bad(Exception):
    """The new release is not good; the message is why, in one sentence."""


class TooLate(Exception):
    """The deadline passed; the message is what was still waited for."""


class NoRoom(TooLate):
    """No node has room for a replica, and none gets any: there is nothing to wait for."""


class Wait:
    """One deploy's wait: what was seen so far of its replicas, new and old."""

    def __init__(
        self,
        stack: str,
        intended: Intended,
        reach: Callable[[View], Access],
        expected: Mapping[str, str],
        deadline: float,
        proven: Set[str] = frozenset(),
    ):
        self.stack = stack
        self.intended = intended
        self.expected = expected
        self.deadline = deadline
        self.was: dict[str, convergence.Before] = {}
        self._reach = reach
        self._new: set[str] = set()
        self._old: set[str] = set()
        self._spans: dict[canary.Place, canary.Span] = {}
        self._unready: dict[str, float] = {}
        self._lost: dict[str, int] = {}
        self._proven = proven
        self._homeless: float | None = None
        self._told: tuple[str, ...] = ()
        self._next_golden = self._next_tell = 0.0

    @property
    def _service(self) -> str:
        return f"{self.stack}_model"

    def start(self, view: View) -> None:
        """Remembers how things are before the deploy begins."""
        self.was = convergence.before(view)
        service = view.named(self._service)
        for task in view.of(service) if service else []:
            self._old |= set(task.addresses) if task.up else set()
        self._look(view, judging=False)

    def converged(self, judging: bool) -> View:
        """The stack, once it is as it is meant to be."""
        while True:
            heed()
            view = self._view()
            if view is None:
                continue
            state = convergence.judge(view, self.expected, self.was, self._proven)
            if state.failed:
                raise Bad(state.failed + _last_words(state.task))
            self._look(view, judging)
            if state.converged:
                return view
            self._tell(state.waiting)
            self._room(convergence.homeless(view))
            self._rest("; ".join(state.waiting[:3]))

    def verified(self, view: View) -> View:
        """The stack, once callers are answered by the intended release alone."""
        while True:
            heed()
            reach = self._reach(view)
            if worse := verify.wrong(reach, self.intended):
                raise Bad(worse)
            lack = verify.lacking(reach, self.intended, view, self._service)
            if not lack:
                break
            self._tell((f"smoke test: {lack}",))
            self._rest(lack)
            view = self._view() or view
        say(f"smoke test: {len(list(verify.targets(self.intended)))} versions as exported")
        return view

    def settled(self, seconds: float) -> canary.Count:
        """Goes on judging for a while after all is in; what the new replicas did."""
        until = min(time.monotonic() + seconds, self.deadline)
        if seconds:
            say(f"watching the new replicas for {seconds:g} s")
        while time.monotonic() < until:
            heed()
            view = self._view()
            if view is not None:
                state = convergence.judge(view, self.expected, self.was)
                if state.failed:
                    raise Bad(state.failed + _last_words(state.task))
                self._look(view, judging=True)
            time.sleep(POLL)
        return canary.count(self._spans, self._new)

    def _view(self) -> View | None:
        try:
            return swarm.look(self.stack)
        except DockerError as error:
            self._tell((f"the manager does not answer: {error.words}",))
            self._rest(f"the manager did not answer: {error.words}")
            return None

    def _look(self, view: View, judging: bool) -> None:
        """How callers fare: counters, readiness and, now and then, golden rows."""
        service = view.named(self._service)
        tasks = [task for task in view.of(service) if task.up] if service else []
        reach = self._reach(view)
        servers = client.servers(reach)
        self._spans = canary.follow(self._spans, servers)
        if not judging:
            self._lose(reach, servers, view, tasks)
            return
        fresh = [task for task in tasks if task.current and task.id not in self._were()]
        for task in fresh:
            self._new |= set(task.addresses)
        worse = canary.verdict(
            canary.count(self._spans, self._new), canary.count(self._spans, self._old - self._new)
        )
        if worse:
            raise Bad(worse)
        self._ready(fresh, {server.address: server.up for server in servers})
        if fresh and time.monotonic() >= self._next_golden:
            self._next_golden = time.monotonic() + GOLDEN_EVERY
            reason = verify.wrong(reach, self.intended) or self._lose(reach, servers, view, fresh)
            if reason:
                raise Bad(reason)

    def _lose(
        self, reach: Access, servers: list[client.Server], view: View, tasks: list[swarm.Task]
    ) -> str:
        """What the journals on these replicas' nodes lose while the deploy goes on, or nothing."""
        nodes = {
            address: view.nodes[task.node].name
            for task in tasks
            if task.node in view.nodes
            for address in task.addresses
        }
        found = journal_lag.ask(reach, [server for server in servers if server.address in nodes])
        spools = {nodes[address]: journal for address, journal in found.items() if address in nodes}
        return journal_lag.growing_loss(self._lost, spools)

    def _were(self) -> frozenset[str]:
        earlier = self.was.get(self._service)
        return earlier.tasks if earlier else frozenset()

    def _ready(self, fresh: list[swarm.Task], up: Mapping[str, bool]) -> None:
        """Swarm asks a replica whether it lives; whether it takes requests, the edge knows."""
        known = [task for task in fresh if set(task.addresses) & up.keys()]
        for task in known:
            if any(up.get(address) for address in task.addresses):
                self._unready.pop(task.id, None)
                continue
            since = self._unready.setdefault(task.id, time.monotonic())
            # With nobody ready, nothing is lost by patience.
            patience = UNREADY if any(up.values()) else 5 * UNREADY
            if time.monotonic() - since > patience:
                raise Bad(f"replica {task.slot} runs and does not get ready for requests")

    def _room(self, lack: str) -> None:
        since = self._homeless or time.monotonic()
        self._homeless = since if lack else None
        if lack and time.monotonic() - since > HOMELESS:
            raise NoRoom(f"{lack}; add a node, or lower what a replica reserves")

    def _tell(self, lines: tuple[str, ...]) -> None:
        now = time.monotonic()
        if lines == self._told and now < self._next_tell:
            return
        for line in lines if now >= self._next_tell else (_new_of(lines, self._told)):
            say(f"waiting: {line}")
        self._told, self._next_tell = lines, now + TELL_EVERY

    def _rest(self, what: str) -> None:
        if time.monotonic() >= self.deadline:
            raise TooLate(what)
        time.sleep(POLL)


def heed() -> None:
    """Ends here what somebody has interrupted."""
    if reason := interrupts.reason():
        raise Bad(reason)


def _last_words(task: str) -> str:
    """What the replica that broke wrote last."""
    try:
        lines = last_lines(task, 2) if task else []
    except DockerError:
        return ""
    return f"; it said: {' / '.join(lines)}" if lines else ""


def _new_of(lines: tuple[str, ...], told: tuple[str, ...]) -> list[str]:
    return [line for line in lines if line not in told]
