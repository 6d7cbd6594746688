"""Words of a command line that come by the environment: `make TARGET ARGS='--json'`."""

from __future__ import annotations

import argparse
import os
import shlex


def more_words(line: argparse.ArgumentParser) -> list[str]:
    """The words of ARGS, divided as a shell does it and never shown to one."""
    words: list[str] = []
    try:
        words = shlex.split(os.environ.get("ARGS", ""))
    except ValueError as error:
        line.error(f"ARGS cannot be divided into words: {error}")
    return words
