"""Brings monitoring in after a release, and waits until it runs or says what does not; nothing of it fails a deploy."""

from __future__ import annotations

import time
from typing import Any

import yaml

from scripts.command import interrupts
from scripts.command.deadline import Deadline
from scripts.command.environments import secrets_folder
from scripts.command.outcome import Late, Refused, Stopped, say
from scripts.credentials import database, manage
from scripts.engine import lock, secrets_and_configs, stacks, swarm
from scripts.engine.secrets_and_configs import current_secrets
from scripts.ledger import records
from scripts.monitoring_stack import state
from scripts.monitoring_stack.kept import monitor_of, of_the_stack
from scripts.monitoring_stack.runbook import with_runbook
from scripts.monitoring_stack.state import Baselines, Part
from scripts.rollout import convergence
from scripts.stack_file import monitoring
from scripts.stack_file.monitoring import stack_of
from scripts.stack_file.render import StackInputs
from scripts.stack_file.rendered import IMAGE, SETTINGS, Rendered

DEADLINE = 180.0
#: Of the database's job, and of waiting for the lock that a deploy has just given back.
ROLE_SECONDS, PATIENCE = 90.0, 30.0
POLL = 1.0
#: What services are labelled with instead of their settings.
ROLE_LACKS = "without-role"
OFF, UNCHANGED, RUNNING, FAILING, ABSENT = "off", "unchanged", "running", "failing", "absent"


def after_release(stack: str, by: str, seconds: float = DEADLINE) -> dict[str, Any]:
    """As the release that serves was deployed with. What is wrong is a sentence: the release serves all the same."""
    try:
        longest = seconds + ROLE_SECONDS + 60
        with (
            lock.held(stack, by, "monitoring", longest, patience=PATIENCE),
            interrupts.going_back(),
        ):
            outcome = ensure(stack, seconds)
    # Of this machine too, as where a file of a password cannot be written: the release is in, and is told of.
    except (Stopped, OSError, LookupError, ValueError, yaml.YAMLError) as error:
        outcome = _outcome(ABSENT, [f"monitoring is as it was: {error}"])
    for problem in outcome["problems"]:
        say(f"! {problem}")
    return outcome


def ensure(stack: str, seconds: float) -> dict[str, Any]:
    """Under the stack's lock."""
    history = records.history(stack)
    serving = records.need_serving(stack, history)
    inputs = of_the_stack(stack, serving.deployed_with, monitor_of(serving.image, history))
    inputs = with_runbook(stack, inputs)
    if not monitoring.is_wanted(inputs):
        return _outcome(OFF, [], removed=take_away(stack, seconds))
    if not inputs.monitor_image:
        return _outcome(ABSENT, [state.NO_IMAGE])
    manage.make_for_monitoring(stack, secrets_folder(stack))
    rendered = monitoring.rendered(stack, inputs, current_secrets(stack))
    if not _is_due(stack, rendered):
        say("monitoring: unchanged")
        return _outcome(UNCHANGED, state.facts(stack, inputs)["problems"])
    return _bring_in(stack, inputs, rendered, Deadline(seconds))


def is_due(stack: str, inputs: StackInputs) -> bool:
    """Whether a deploy would change anything of monitoring."""
    secrets = current_secrets(stack)
    wanted = {f"{name.upper()}_SECRET" for name in secrets_and_configs.MONITORING}
    runs = bool(swarm.look(stack_of(stack)).services)
    if not monitoring.is_wanted(inputs) or not inputs.monitor_image:
        return runs and not monitoring.is_wanted(inputs)
    return not wanted <= secrets.keys() or _is_due(
        stack, monitoring.rendered(stack, with_runbook(stack, inputs), secrets)
    )


def _is_due(stack: str, rendered: Rendered) -> bool:
    """By what the services are labelled with: one that fails is not brought in again for that alone."""
    there = {
        service.name: service.labels.get(SETTINGS)
        for service in swarm.look(stack_of(stack)).services
    }
    return there != dict.fromkeys(rendered.images(stack_of(stack)), rendered.settings)


def _bring_in(
    stack: str, inputs: StackInputs, rendered: Rendered, deadline: Deadline
) -> dict[str, Any]:
    problems = _make_role(stack)
    monitoring.ensure_configs(stack)
    name = stack_of(stack)
    baselines = convergence.baseline(swarm.look(name))
    say(f"bringing in monitoring as stack {name}")
    # Without its role the monitor reads nothing: then the next deploy makes it, whatever else is as it was.
    settings = ROLE_LACKS if problems else rendered.settings
    text = rendered.labelled({SETTINGS: settings, IMAGE: inputs.monitor_image})
    stacks.deploy(name, text, deadline)
    lacking = _wait(name, rendered, baselines, deadline)
    problems += [f"monitoring: {part.lack}" for part in lacking]
    if not problems:
        say(f"monitoring runs, after {deadline.elapsed:g} s")
    return _outcome(FAILING if problems else RUNNING, problems, seconds=deadline.elapsed)


def _make_role(stack: str) -> list[str]:
    """Its role, and all that it may read: also in a database that was made before there was a monitor."""
    secret = current_secrets(stack)["MONITOR_URL_SECRET"]
    try:
        database.ensure_monitor_role(stack, secret, ROLE_SECONDS)
    except (Refused, Late) as error:
        return [f"the monitor's role in the database was not made: {error}"]
    return []


def _wait(name: str, rendered: Rendered, baselines: Baselines, deadline: Deadline) -> list[Part]:
    """Those that do not run once every other does, or the time is over."""
    images = rendered.images(name)
    said: set[str] = set()
    while True:
        parts = state.parts(swarm.look(name), images, baselines)
        lacking = [part for part in parts if part.lack]
        # Whoever is tired of waiting: it goes on coming in.
        is_over = deadline.passed or bool(interrupts.reason())
        if is_over or all(part.failed for part in lacking):
            return lacking
        for line in {line for part in lacking for line in part.waiting} - said:
            say(f"waiting: {line}")
            said.add(line)
        time.sleep(POLL)


def take_away(stack: str, seconds: float) -> bool:
    """Whether there was any; volumes and secrets stay."""
    name = stack_of(stack)
    if not swarm.look(name).services:
        return False
    stacks.remove(name, Deadline(seconds))
    say(f"stack {name} is down; its volumes and secrets stay")
    return True


def _outcome(word: str, problems: list[str], **facts: Any) -> dict[str, Any]:
    return {"state": word, "problems": problems, **facts}
