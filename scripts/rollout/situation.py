"""How a stack is when its lock is taken: looked up once, and all that is decided is decided by it."""

from __future__ import annotations

from typing import NamedTuple

from scripts.command.outcome import say
from scripts.engine import swarm
from scripts.engine.secrets_and_configs import current_secrets
from scripts.engine.swarm import View
from scripts.ledger import records, replicas
from scripts.ledger.records import Record
from scripts.rollout import convergence
from scripts.rollout.order import Goal, Order
from scripts.stack_file import render
from scripts.stack_file.render import StackInputs
from scripts.stack_file.rendered import SETTINGS, Rendered


class Situation(NamedTuple):
    """`attempt` is what will be recorded, but for its outcome."""

    stack: str
    serving: Record | None
    goal: Goal
    rendered: Rendered
    view: View
    attempt: Record

    @classmethod
    def of(cls, order: Order) -> Situation:
        """Makes configs that are not there yet, and changes nothing else."""
        history = records.history(order.stack)
        serving = records.serving(history)
        goal = order.decide(history)
        rendered = render_as_set(order.stack, goal.inputs)
        attempt = _attempt(order, goal, rendered, serving.release if serving else "")
        # A record that is too large is refused as long as nothing has changed.
        records.to_text(attempt)
        return cls(order.stack, serving, goal, rendered, swarm.look(order.stack), attempt)

    def after(self, by_hand: Record | None) -> Situation:
        """Where a release serves that has no record but this, it is what the attempt replaces."""
        if by_hand is None:
            return self
        return self._replace(attempt=self.attempt._replace(replaced=by_hand.release))

    @property
    def is_unchanged(self) -> bool:
        """Whether the same release runs with the same settings, and was verified to: nothing is to be done."""
        settings, services = self.rendered.settings, self.view.services
        images, counts = self.rendered.images(self.stack), self.rendered.replicas(self.stack)
        return (
            self.serving is not None
            and self.serving.settings == settings
            # What only monitoring reads, its image among it, is recorded as well.
            and self.serving.deployed_with.variables == self.goal.inputs.variables
            and self.serving.release == self.goal.release.name
            and {service.name for service in services} == images.keys()
            and all(service.labels.get(SETTINGS) == settings for service in services)
            # Someone may have scaled by hand.
            and all(service.replicas == counts[service.name] for service in services)
            and convergence.judge(self.view, images, convergence.baseline(self.view)).converged
        )


def _attempt(order: Order, goal: Goal, rendered: Rendered, replaced: str) -> Record:
    return Record(
        kind=order.kind,
        release=goal.release.name,
        image=goal.release.image,
        at=records.now(),
        by=order.by,
        why=order.why,
        outcome="",
        settings=rendered.settings,
        replaced=replaced,
        document=goal.release.document,
        golden=goal.release.golden,
        inputs=goal.inputs,
    )


def render_as_set(stack: str, inputs: StackInputs) -> Rendered:
    """The stack file as it is to run, whichever way it came: with the number of replicas that `make scale` has set."""
    rendered = render.render(stack, inputs, current_secrets(stack))
    chosen, service = replicas.set_replicas(stack), replicas.service_of(stack)
    if chosen is None or service not in rendered.images(stack):
        return rendered
    own = rendered.replicas(stack)[service]
    if chosen.replicas != own:
        say(
            f"{service} keeps its replicas, {chosen}; the settings say {own}, and `make scale UNSET=1` leaves it to"
            " them"
        )
    return rendered.with_replicas(replicas.SERVICE, chosen.replicas)
