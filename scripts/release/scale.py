"""Sets how many replicas of the model service serve, within the bounds of the settings; or leaves it to the settings.

    python -m scripts.release scale [REPLICAS | --unset] [--by WHO] [--why TEXT] [--patience SECONDS]

Deploy, rollback and traffic keep the number until it is unset. Waits for a deploy that is under way. The replicas that
run are not restarted. Exit codes: as deploy.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from outside.values import FLAG, WHOLE, Outside
from scripts.command import interrupts
from scripts.command.deadline import Deadline
from scripts.command.options import (
    add_back_deadline,
    add_break_lock,
    add_patience,
    add_who_and_why,
    parsed,
    parser,
)
from scripts.command.outcome import Late, Refused, RolledBack, say
from scripts.detached import process
from scripts.engine import lock, swarm
from scripts.engine.docker import DockerError
from scripts.engine.secrets_and_configs import current_secrets
from scripts.engine.swarm import Service, View
from scripts.ledger import records, releases, replicas, unrecorded
from scripts.ledger.records import Record
from scripts.ledger.replicas import SetReplicas
from scripts.monitoring_stack import kept
from scripts.rollout import convergence
from scripts.rollout.order import AGAIN
from scripts.rollout.replicas import Change, change_replicas
from scripts.stack_file import render, settings
from scripts.stack_file.rendered import RELEASE

#: The bounds; of the edge as stack.yml has it.
DEFAULTS = {**dict(settings.REPLICAS), "EDGE_SLOTS": "20"}
T = TypeVar("T")


class Plan(NamedTuple):
    """What is to be: `chosen` is None where the settings decide again."""

    serving: Record
    service: Service
    view: View
    before: SetReplicas | None
    chosen: SetReplicas | None
    target: int

    @property
    def is_unchanged(self) -> bool:
        """Whether the same number is set already, and runs."""
        before = self.before.replicas if self.before else None
        chosen = self.chosen.replicas if self.chosen else None
        name, image = self.service.name, self.service.image
        return (
            before == chosen
            and self.service.replicas == self.target
            and convergence.judge(
                self.view, {name: image}, convergence.baseline(self.view)
            ).converged
        )


def scale(options: argparse.Namespace) -> dict[str, Any]:
    swarm.need_manager()
    wanted = _wanted(options)
    try:
        outcome = _scale_under_lock(options, wanted)
    except (RolledBack, Late):
        releases.write_after(options.stack)
        raise
    if outcome["outcome"] != "unchanged":
        releases.write_after(options.stack)
    return outcome


def _wanted(options: argparse.Namespace) -> int | None:
    if options.unset == (options.replicas is not None):
        raise Refused(
            "say either how many replicas are to serve, REPLICAS=5, or UNSET=1, which leaves it to the settings"
        )
    return None if options.unset else int(options.replicas)


def _scale_under_lock(options: argparse.Namespace, wanted: int | None) -> dict[str, Any]:
    # Time beyond both deadlines for what docker itself takes.
    longest = options.deadline + options.back_deadline + 120
    subject = "its own number of replicas" if wanted is None else f"{wanted} replicas"
    with (
        lock.held(
            *(options.stack, options.by, subject, longest, options.break_lock), options.patience
        ),
        interrupts.going_back(),
    ):
        plan = _plan(options, wanted)
        if plan.is_unchanged:
            say(f"unchanged: {plan.target} replicas serve")
            return _facts("unchanged", plan.serving, plan)
        if reason := interrupts.reason():
            raise Refused(f"{reason}, before anything was changed")
        return _carry_out(options, plan)


def _plan(options: argparse.Namespace, wanted: int | None) -> Plan:
    view = swarm.look(options.stack)
    unrecorded.refuse(view, options.stack)
    serving = records.serving(records.history(options.stack))
    service = view.named(replicas.service_of(options.stack))
    if serving is None or service is None:
        raise Refused(f"stack {options.stack} does not serve; `make deploy` brings a release in")
    if service.labels[RELEASE] != serving.release:
        raise Refused(
            f"{service.name} is of release {service.labels[RELEASE]}, and {serving.release} was verified last: a deploy"
            " was cut off; the next `make deploy` goes on from there, then scale"
        )
    if wanted is not None:
        need_within(wanted, settings_of(options.stack, serving))
    before = replicas.set_replicas(options.stack)
    if wanted is None:
        secrets = current_secrets(options.stack)
        rendered = render.render(options.stack, serving.deployed_with, secrets)
        own = rendered.replicas(options.stack)[service.name] or 1
        return Plan(serving, service, view, before, None, own)
    chosen = SetReplicas(wanted, options.by, records.now(), options.why)
    return Plan(serving, service, view, before, chosen, wanted)


def settings_of(stack: str, serving: Record) -> Mapping[str, str]:
    """Of the next deploy: a bound that was changed in the file counts from then on."""
    return settings.choose(stack, kept.with_settings(stack, serving.inputs)).values


def need_within(wanted: int, chosen: Mapping[str, str]) -> None:
    least, most, slots = (int(chosen.get(name, text)) for name, text in DEFAULTS.items())
    if not least <= wanted <= most:
        raise Refused(
            f"{wanted} replicas are not from {least} to {most}, the bounds of the settings: REPLICAS_MIN and"
            " REPLICAS_MAX"
        )
    if 2 * wanted > slots:
        raise Refused(
            f"an edge knows {slots} replicas, and an update has twice as many for a while: at most {slots // 2}, or a"
            " larger EDGE_SLOTS first"
        )


def _carry_out(options: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    """What is set is kept before it runs: of a command that is killed between, the next deploy knows what was meant."""
    stack, deadline = options.stack, Deadline(options.deadline)
    times = (options.deadline, options.back_deadline)
    words = f"replicas {plan.service.replicas} -> {plan.target}"
    words += "" if plan.chosen else ", left to the settings again"
    say(f"{plan.service.name}: {words}")
    why = f"{words}: {options.why}" if options.why else words
    entry = plan.serving.entry(replicas.KIND, options.by, why)
    replicas.replace(stack, plan.chosen)
    try:
        change_replicas(Change(stack, plan.service, plan.serving, plan.target, *times), plan.view)
    except (RolledBack, Late) as stopped:
        outcome = records.LATE if isinstance(stopped, Late) else records.ROLLED_BACK
        failed = entry._replace(outcome=outcome, reason=str(stopped), seconds=deadline.elapsed)
        _insist(options, lambda: replicas.replace(stack, plan.before))
        stopped.facts["failed"] = _insist(options, lambda: records.store(stack, failed)).summary()
        raise
    done = entry._replace(outcome=records.SCALED, seconds=deadline.elapsed)
    record = _insist(options, lambda: records.store(stack, done))
    say(f"{plan.target} replicas serve, after {record.seconds:g} s")
    return _facts("done", record, plan)


def _facts(outcome: str, record: Record, plan: Plan) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "release": record.release,
        "record": record.summary(),
        "replicas": plan.target,
    }


def _insist(options: argparse.Namespace, act: Callable[[], T]) -> T:
    """What would leave the Swarm and its records at odds is tried until the manager takes it."""
    try:
        return Deadline(options.back_deadline).retry(
            act, DockerError, AGAIN, announcement="trying again to record it"
        )
    except DockerError as error:
        raise Late(
            f"it is not recorded how many replicas serve: {error}; look at `make status`"
        ) from error


def main(arguments: list[str] | None = None) -> int:
    line = add_break_lock(add_who_and_why(parser("release scale", __doc__, 600.0)))
    line.add_argument(
        "replicas", nargs="?", type=int, default=Outside("REPLICAS", WHOLE), help="how many"
    )
    line.add_argument(
        "--unset",
        action="store_true",
        default=Outside("UNSET", FLAG),
        help="leave it to the settings",
    )
    options = parsed(add_patience(add_back_deadline(line)), arguments)
    return process.finish(__name__, lambda: scale(options), options.json)
