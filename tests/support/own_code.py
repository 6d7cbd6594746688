"""Own code for tests: packages written beside a spec, found as a person's own are, and forgotten afterwards."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from training.common import own_code

_numbers = itertools.count()


class OwnCode:
    """A folder in which packages can be written."""

    def __init__(self, folder: Path):
        self.folder = folder
        # No two tests in one process may mean different modules by one name.
        self.package = f"own_{next(_numbers)}"

    def write(self, source: str, module: str = "models") -> str:
        """A module of the package; its dotted name."""
        path = self.folder / self.package / f"{module}.py"
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(dedent(source), encoding="utf-8")
        return f"{self.package}.{module}"


def own_code_in(folder: Path) -> Iterator[OwnCode]:
    """For a fixture: the folder is looked in as if a spec lay there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        patch.setattr(
            own_code, "_folders", [*own_code._folders]
        )  # pylint: disable=protected-access
        own_code.look_in(folder)
        written = OwnCode(folder)
        yield written
        for name in [name for name in sys.modules if name.partition(".")[0] == written.package]:
            del sys.modules[name]
