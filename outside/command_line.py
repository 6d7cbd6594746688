"""Words of a command line that come by the environment: `make TARGET ARGS='--json'`."""

from __future__ import annotations

import argparse
import os
import shlex

from outside.values import Outside


def more_words(line: argparse.ArgumentParser) -> list[str]:
    """The words of ARGS, divided as a shell does it and never shown to one."""
    words: list[str] = []
    try:
        words = shlex.split(os.environ.get("ARGS", ""))
    except ValueError as error:
        line.error(f"ARGS cannot be divided into words: {error}")
    return words


def fill_in(options: argparse.Namespace, nothing: str | None = None) -> None:
    """What the environment says, where the command line does not; `nothing` where neither does."""
    for name, value in vars(options).items():
        if isinstance(value, Outside):
            text = value.value()
            setattr(options, name, nothing if text is None else text)
