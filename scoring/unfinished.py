"""The folder of a scoring that is not finished: what it scores, and which parts of it are written.

<output's folder>/.<output's name>.unfinished/
    state.json              what is scored with what: another source or version is another scoring
    lock                    held as long as a process writes here
    00000-000003.parquet    the rows of a part, under this name only once they are whole
    00000-000003.csv        its violations, if it has any
    00000-000003.json       a part that is done, with its counts: written last
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from scoring.errors import ScoringError
from scoring.progress import say

#: Rows of a part: what at most is scored twice after an interruption, and held in memory when parts are joined.
PART_ROWS = 1 << 20
STATE, LOCK = "state.json", "lock"


class Part(NamedTuple):
    """So many rows of one file, by the numbers of both."""

    file: int
    number: int

    def __str__(self) -> str:
        return f"{self.file:05d}-{self.number:06d}"


class Done(msgspec.Struct, frozen=True):
    """A part that is written. `last` is the identifier of its last row, of a query that goes on behind it."""

    rows: int
    refused: int
    violations: int
    last: int | str | None = None


class Scoring(msgspec.Struct, frozen=True):
    """What is scored with what. A scoring goes on only where all of this is the same."""

    model: str
    version: str
    bundle: str
    #: Name, size and time of change of each file; of a database its address and query.
    source: tuple[tuple[str, int, int], ...]
    #: All else that decides what is written.
    options: dict[str, Any]


class Unfinished:
    def __init__(self, folder: Path):
        self.folder = folder

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """By one process at a time: a second one is refused."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ScoringError(
                    f"{self.folder}: another scoring writes here; wait for it, or name another OUT"
                ) from error
            yield

    def go_on_or_begin(self, scoring: Scoring) -> dict[Part, Done]:
        """The parts that are written already; none where something else was scored here, which is then removed."""
        before = self._read_state()
        done = self._done() if before is not None else {}
        if before == scoring:
            if done:
                rows = sum(part.rows for part in done.values())
                say(
                    f"goes on where it was interrupted: {rows:,} rows in {_parts(done)} are scored already"
                )
            return done
        if before is not None and done:
            say(
                f"begins anew, and drops {_parts(done)} of an interrupted scoring: {_difference(before, scoring)}"
            )
        self._clear()
        write_whole(
            self.folder / STATE, msgspec.json.format(msgspec.json.encode(scoring), indent=1)
        )
        return {}

    def mark_done(self, part: Part, done: Done) -> None:
        write_whole(self.folder / f"{part}.json", msgspec.json.encode(done))

    def drop(self, parts: list[Part]) -> None:
        for part in parts:
            (self.folder / f"{part}.json").unlink(missing_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read_state(self) -> Scoring | None:
        try:
            return msgspec.json.decode((self.folder / STATE).read_bytes(), type=Scoring)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def _done(self) -> dict[Part, Done]:
        return {
            Part(*map(int, path.stem.split("-"))): msgspec.json.decode(path.read_bytes(), type=Done)
            for path in sorted(self.folder.glob("[0-9]*-[0-9]*.json"))
        }

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.name != LOCK:
                path.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file aside and renames it: it is there whole or not at all."""
    aside = path.with_name(f".{path.name}.aside")
    aside.write_bytes(content)
    aside.replace(path)


def _parts(done: dict[Part, Done]) -> str:
    return f"{len(done):,} part{'' if len(done) == 1 else 's'}"


def _difference(before: Scoring, now: Scoring) -> str:
    """What is not as it was, for people."""
    if (before.model, before.version) != (now.model, now.version):
        return f"that was {before.model}, version {before.version}; this is {now.model}, version {now.version}"
    if before.bundle != now.bundle:
        return f"version {now.version} of {now.model} was exported anew"
    if before.source != now.source:
        changed = {name for name, *_ in {*before.source} ^ {*now.source}}
        return f"the source changed: {', '.join(sorted(changed)[:3])}"
    changed = {name for name in now.options if before.options.get(name) != now.options[name]}
    return f"other {', '.join(sorted(changed)) or 'options'} than before"
