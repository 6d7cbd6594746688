"""The commands that are typed; the only room that sees arguments. `train.py` has the steps of a training.

A module is imported when its command is called: `--help` and a bad spec need no MLflow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

#: The module that has the function of a command's name, and what the command is for.
COMMANDS = {
    "validate": ("validate", "check the data against the contract"),
    "train": ("train", "validate, search, evaluate, gate, export, register"),
    "gate": (
        "outcome",
        "the decisions about what was trained last; exit code 3 where a rule does not hold",
    ),
    "models": ("specs", "the names of the models"),
    "compare": ("versions", "versions of a model side by side"),
    "history": ("versions", "which version was champion when, by whom and why"),
    "export": ("versions", "fetch the bundles that the aliases point at"),
    "promote": ("versions", "make a version the champion"),
    "reject": ("versions", "a challenger is not to be released"),
    "propose": ("versions", "make a version challenger, rejected or not"),
    "card": ("versions", "write a version's model card to the reports"),
    "reproduce": ("reproduce", "train a version again from its record and compare the predictions"),
    "draft": ("specs", "write a first spec for a data file"),
}


def run(arguments: Namespace) -> None:
    module, _ = COMMANDS[arguments.command]
    getattr(importlib.import_module(f"training.commands.{module}"), arguments.command)(arguments)
