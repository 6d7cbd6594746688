"""What a release came to in staging, kept in the Swarm of the stack whose staging it is: a record that changes nothing.

So what a deploy of that stack asks stands in its own history, also where staging is away or in another Swarm, and the
ledger has it beside the releases. PRODUCTION_DOCKER_HOST is that other Swarm's engine, as this machine reaches it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from outside.values import ADDRESS
from scripts.command import environments
from scripts.command.options import parameter
from scripts.command.outcome import Refused, say
from scripts.engine.docker import DockerError
from scripts.ledger import records, releases
from scripts.ledger.records import Record

ENGINE = "PRODUCTION_DOCKER_HOST"


def need_production(stack: str) -> None:
    """Refuses, before anything is done, where nothing tells where the outcome belongs."""
    if environments.is_elsewhere(stack) and not parameter(ENGINE, ADDRESS):
        raise Refused(
            f"stack {stack} is in another Swarm than {environments.production_of(stack)}, whose releases it"
            f" confirms: {ENGINE} has to name that one's engine"
        )


def keep(stack: str, seen: Record, outcome: str, reason: str, by: str, why: str) -> Record:
    """What staging made of the release `seen`, as a record of the stack that it is the staging of."""
    entry = seen.entry(records.STAGING, by, why)
    record = entry._replace(outcome=outcome, reason=f"in {stack}: {reason}", settings="")
    production = environments.production_of(stack)
    with _at_production():
        serving = records.serving(records.history(production))
        confirmation = records.store(
            production, record._replace(replaced=serving.release if serving else "")
        )
        releases.write_after(production)
    say(
        f"release {confirmation.release} is {outcome} in {stack}: kept with the releases of {production}"
    )
    return confirmation


def keep_red(stack: str, seen: Record, reason: str, by: str, why: str) -> None:
    """As `keep`; where the Swarm cannot take it, that is said beside what was wrong."""
    try:
        keep(stack, seen, records.RED, reason, by, why)
    except DockerError as error:
        say(
            f"that release {seen.release} is red is not kept: {error}; what was said of it before still counts"
        )


@contextmanager
def _at_production() -> Iterator[None]:
    """Every call of docker meanwhile acts on the Swarm of the stack that serves callers."""
    here, there = os.environ.get("DOCKER_HOST"), parameter(ENGINE, ADDRESS)
    if not there:
        yield
        return
    os.environ["DOCKER_HOST"] = there
    try:
        yield
    finally:
        os.environ.pop("DOCKER_HOST")
        if here is not None:
            os.environ["DOCKER_HOST"] = here


def newest(history: list[Record], image: str) -> Record | None:
    """What staging made of this image last, by its digest: another registry may name it otherwise."""
    return next(
        (
            record
            for record in history
            if record.kind == records.STAGING and _digest(record.image) == _digest(image)
        ),
        None,
    )


def standing(stack: str, history: list[Record]) -> str:
    """Of a stack that has a staging, or is one, which that is, and what it said last; for `make status`."""
    if production := environments.production_of(stack):
        return f"staging of {production}: what is confirmed here may come in there"
    staging = environments.staging_of(stack)
    if staging is None:
        return ""
    last = next((record for record in history if record.kind == records.STAGING), None)
    said = f"{last.release} {last.outcome}, {last.at[:16].replace('T', ' ')}" if last else "nothing"
    return f"staging: stack {staging.stack}, which said last: {said}"


def _digest(image: str) -> str:
    return image.rpartition("@")[2]
