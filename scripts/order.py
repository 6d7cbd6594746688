"""What is wanted of a stack: by deploy, rollback and traffic alike."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from scripts.intended import Intended
from scripts.stack import Inputs


class Order(NamedTuple):
    """What is wanted, by whom, and within which time; going back has a time of its own."""

    stack: str
    kind: str
    intended: Intended
    inputs: Inputs
    by: str
    why: str
    seconds: float
    back_seconds: float
    watch: float
    break_lock: bool = False

    @classmethod
    def of(
        cls, options: argparse.Namespace, kind: str, intended: Intended, inputs: Inputs
    ) -> Order:
        """As a command line with the options of `waiting` says."""
        return cls(
            options.stack,
            kind,
            intended,
            inputs,
            options.by,
            options.why,
            options.deadline,
            options.back_deadline,
            options.watch,
            options.break_lock,
        )
