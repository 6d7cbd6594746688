"""How callers fare while a release comes in: the new replicas held against the old ones, look by look."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from scripts.edge import canary, containment, journal_lag, model_times, replica_metrics, smoke
from scripts.edge.canary import Place, Seen, Tally
from scripts.edge.client import EdgeClient
from scripts.edge.counters import ReplicaCounters, counters
from scripts.edge.model_times import Span
from scripts.engine.swarm import Task, View
from scripts.image.release import Release

GOLDEN_EVERY = 3.0
#: The edge finds a replica within two seconds; one that it finds unready this long is not good.
#: Swarm goes on meanwhile, replacing good ones, so it must not be long.
UNREADY = 6.0


class CanaryWatch:
    """What was seen so far of one service's replicas, from before the deploy on."""

    def __init__(
        self, service: str, release: Release, edge_of: Callable[[View], EdgeClient], view: View
    ):
        self._service = service
        self._release = release
        self._edge_of = edge_of
        #: Seen of replicas, and addresses of the new ones and the old ones.
        self._seen: dict[Place, Seen] = {}
        self._slowness = canary.LastingSlowness()
        #: By address, how long each replica took.
        self._times: dict[str, Span] = {}
        self._new: set[str] = set()
        self._old = {address for task in self._tasks(view) for address in task.addresses}
        self._former = {task.id for task in self._all_tasks(view)}
        #: Since when a task was not ready, and what a spool had lost when it was first seen.
        self._unready: dict[str, float] = {}
        self._lost: dict[str, int] = {}
        self._next_golden = 0.0
        self._edge = edge_of(view)
        self._contained: set[str] = set()
        self.look(view)

    def tally(self) -> Tally:
        """What the new replicas did."""
        return canary.tally(self._seen, self._new)

    def look(self, view: View) -> None:
        """Counts, and judges no replica."""
        edge = self._edge_of(view)
        replicas = counters(edge)
        self._seen = canary.observe(self._seen, replicas)
        self._loss(self._ask_replicas(edge, replicas), view, self._tasks(view))

    def glance(self) -> str:
        """As `fault`, by the counters alone and of the replicas known so far: to ask the Swarm takes its time."""
        self._seen = canary.observe(self._seen, counters(self._edge))
        return self._verdict()

    def _verdict(self) -> str:
        old = self._old - self._new
        return canary.failures(self.tally(), canary.tally(self._seen, old)) or self._slowness.judge(
            self._seen, self._new, old
        )

    def fault(self, view: View) -> str:
        """Counts, and says what is wrong with the new replicas; empty where nothing is."""
        edge = self._edge = self._edge_of(view)
        replicas = counters(edge)
        self._seen = canary.observe(self._seen, replicas)
        fresh = self._fresh(view)
        for address in {each for task in fresh for each in task.addresses} - self._new:
            # A replica that has gone may have had the same one.
            self._times.pop(address, None)
            self._new.add(address)
        return (
            self._verdict()
            or self._readiness(fresh, {replica.address: replica.up for replica in replicas})
            or self._answers(edge, replicas, view, fresh)
        )

    def _ask_replicas(self, edge: EdgeClient, replicas: list[ReplicaCounters]) -> dict[str, str]:
        """The replicas' own metrics, by address; how long they took is kept."""
        texts = replica_metrics.ask(edge, replicas)
        for address, text in texts.items():
            now, former = model_times.parse(text), self._times.get(address)
            if former is None:
                # All that a new replica answered counts.
                former = Span({} if address in self._new else now, now)
            self._times[address] = former._replace(last=now)
        return texts

    def contain(self, view: View, reason: str) -> None:
        """Tells the new replicas to take no more requests."""
        self._contain(view, self._fresh(view), reason)

    def contain_image(self, view: View, image: str, reason: str) -> None:
        """Tells those of a release that was found bad: while it is taken back, some of its replicas still start."""
        self._contain(view, [task for task in self._tasks(view) if task.image == image], reason)

    def _contain(self, view: View, condemned: list[Task], reason: str) -> None:
        tasks = [task for task in condemned if task.id not in self._contained]
        service = view.named(self._service)
        if tasks and service is not None:
            least_ready = ((service.replicas or 1) + 1) // 2
            self._contained |= set(
                containment.contain(self._edge_of(view), tasks, reason, least_ready)
            )

    def _fresh(self, view: View) -> list[Task]:
        """The new replicas."""
        return [task for task in self._tasks(view) if task.current and task.id not in self._former]

    def _all_tasks(self, view: View) -> list[Task]:
        service = view.named(self._service)
        return view.of(service) if service else []

    def _tasks(self, view: View) -> list[Task]:
        return [task for task in self._all_tasks(view) if task.up]

    def _readiness(self, fresh: list[Task], up: Mapping[str, bool]) -> str:
        """Swarm asks a replica whether it lives; whether it takes requests, the edge knows."""
        for task in fresh:
            if not set(task.addresses) & up.keys():
                continue
            if any(up.get(address) for address in task.addresses):
                self._unready.pop(task.id, None)
                continue
            since = self._unready.setdefault(task.id, time.monotonic())
            # With nobody ready, nothing is lost by patience.
            patience = UNREADY if any(up.values()) else 5 * UNREADY
            if time.monotonic() - since > patience:
                return f"replica {task.slot} runs and does not get ready for requests"
        return ""

    def _answers(
        self, edge: EdgeClient, replicas: list[ReplicaCounters], view: View, fresh: list[Task]
    ) -> str:
        """What the new replicas themselves say and answer; golden rows now and then."""
        if not fresh:
            return ""
        texts = self._ask_replicas(edge, replicas)
        if slow := self._slow_model():
            return slow
        if time.monotonic() < self._next_golden:
            return ""
        self._next_golden = time.monotonic() + GOLDEN_EVERY
        wrong = smoke.wrong_answers(edge, self._release)
        return wrong or self._loss(texts, view, fresh)

    def _slow_model(self) -> str:
        times = self._times
        return model_times.verdict(
            model_times.tally(times, self._new), model_times.tally(times, self._old - self._new)
        )

    def _loss(self, texts: Mapping[str, str], view: View, tasks: list[Task]) -> str:
        """What the journals on these replicas' nodes lose while the deploy goes on, or nothing."""
        nodes = {
            address: view.nodes[task.node].name
            for task in tasks
            if task.node in view.nodes
            for address in task.addresses
        }
        journals = journal_lag.of_metrics(texts)
        spools = {nodes[address]: lag for address, lag in journals.items() if address in nodes}
        return journal_lag.growing_loss(self._lost, spools)
