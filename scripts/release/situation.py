"""How a stack is when its lock is taken: looked up once, and all that is decided is decided by it."""

from __future__ import annotations

from typing import NamedTuple

from scripts.credentials import manage
from scripts.engine import swarm
from scripts.engine.swarm import View
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.release import unchanged
from scripts.release.order import Goal, Order
from scripts.stack_file import render
from scripts.stack_file.render import Rendered


class Situation(NamedTuple):
    """`attempt` is what will be recorded, but for its outcome."""

    serving: Record | None
    goal: Goal
    rendered: Rendered
    view: View
    attempt: Record

    @classmethod
    def of(cls, order: Order) -> Situation:
        """Makes configs that are not there yet, and changes nothing else."""
        history = records.history(order.stack)
        serving = records.current(history)
        goal = order.decide(history)
        rendered = render.render(order.stack, goal.inputs, manage.current(order.stack))
        attempt = _attempt(order, goal, rendered, serving.release if serving else "")
        # A record that is too large is refused as long as nothing has changed.
        records.to_text(attempt)
        return cls(serving, goal, rendered, swarm.look(order.stack), attempt)

    def after(self, by_hand: Record | None) -> Situation:
        """Where a release serves that has no record but this, it is what the attempt replaces."""
        if by_hand is None:
            return self
        return self._replace(attempt=self.attempt._replace(replaced=by_hand.release))

    def is_unchanged(self, name: str) -> bool:
        """Whether to carry the order out would change nothing."""
        return self.serving is not None and unchanged.unchanged(
            name, self.goal.intended.release, self.rendered, self.view, self.serving
        )


def _attempt(order: Order, goal: Goal, rendered: Rendered, replaced: str) -> Record:
    return Record(
        number=0,
        kind=order.kind,
        release=goal.intended.release,
        image=goal.intended.image,
        at=records.now(),
        by=order.by,
        why=order.why,
        outcome="",
        reason="",
        settings=rendered.settings,
        replaced=replaced,
        seconds=0.0,
        document=goal.intended.document,
        golden=goal.intended.golden,
        inputs=goal.inputs,
    )
