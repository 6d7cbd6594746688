"""The commands `models` and `draft`: the specs that there are, and a first one for a table."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from training.commands.arguments import answer, specs_of
from training.common.progress import say


def models(arguments: Namespace) -> None:
    names = [spec.name for spec in specs_of(arguments)]
    answer(arguments, names, "\n".join(names))


def draft(arguments: Namespace) -> None:
    # pylint: disable-next=import-outside-toplevel  # the names of the models need no pandas
    from training.data import draft as drafts

    path = drafts.write_draft(
        arguments.source,
        arguments.target,
        arguments.name,
        Path(arguments.folder),
        arguments.query,
    )
    print(path)
    say(f"{path}: read it and correct it, then `make validate MODEL={path.stem}`")
