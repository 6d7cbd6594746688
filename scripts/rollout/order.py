"""What is asked for of a stack: by deploy, rollback and traffic alike."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

from scripts.image.release import Release
from scripts.ledger.records import Record
from scripts.stack_file.render import StackInputs

#: Seconds until a manager that failed is asked again.
AGAIN = 2.0


class Goal(NamedTuple):
    """What is to serve, and with which settings."""

    release: Release
    inputs: StackInputs


class Order(NamedTuple):
    """What is asked for, by whom, and within which time; going back has a time of its own.

    `subject` tells whoever meets the lock what is being done. `decide` makes the goal of the stack's history, which has
    the newest first. It is asked under the lock: what was known before may have been overtaken by another deploy.
    """

    stack: str
    kind: str
    subject: str
    decide: Callable[[list[Record]], Goal]
    by: str
    why: str
    seconds: float
    back_seconds: float
    watch: float
    break_lock: bool = False

    @classmethod
    def of(
        cls,
        options: argparse.Namespace,
        kind: str,
        subject: str,
        decide: Callable[[list[Record]], Goal],
    ) -> Order:
        """As a command line with the options of `add_rollout` says."""
        return cls(
            stack=options.stack,
            kind=kind,
            subject=subject,
            decide=decide,
            by=options.by,
            why=options.why,
            seconds=options.deadline,
            back_seconds=options.back_deadline,
            watch=options.watch,
            break_lock=options.break_lock,
        )
