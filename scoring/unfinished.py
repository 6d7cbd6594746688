"""The folder of a scoring that is not finished: what it scores, and which parts of it are written.

<output's folder>/.<output's name>.unfinished/
    state.json                      what is scored with what: another source or version is another scoring
    lock                            held as long as a process writes here
    <key>/                          the parts of this scoring: a late worker of another one writes elsewhere
        00000-000003.parquet        the rows of a part, under this name only once they are whole
        00000-000003.violations     its violations, if it has any
        00000-000003.json           a part that is done, with its counts: written last
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
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
    #: By column: values that are none of its categories, where it takes them.
    others: dict[str, int] = {}


class Scoring(msgspec.Struct, frozen=True):
    """What is scored with what. A scoring goes on only where all of this is the same."""

    model: str
    version: str
    bundle: str
    #: Name, size and time of change of each file; of a database its address and query.
    source: list[tuple[str, int, int]]
    #: All else that decides what is written.
    options: dict[str, Any]


class State(msgspec.Struct, frozen=True):
    """`key` is of this scoring: the same for the same files, a new one for each time that a query is begun."""

    scoring: Scoring
    key: str


class Unfinished:
    """The folder, and what is in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        #: Of the scoring that goes on or begins.
        self.parts = folder

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

    def go_on_or_begin(self, scoring: Scoring, key: str) -> tuple[str, dict[Part, Done]]:
        """The key, and the parts that are written already.

        Where something else was scored here, that is removed, and the key is the one that is given.
        """
        state = self._read_state()
        done = {} if state is None else self._done(state.key)
        if state is not None and state.scoring == scoring:
            self.parts = self.folder / state.key
            self.parts.mkdir(exist_ok=True)
            return state.key, done
        if state is not None and done:
            why = _difference(state.scoring, scoring)
            say(f"begins anew, and drops {parts_of(done)} of an interrupted scoring: {why}")
        self._clear()
        self.parts = self.folder / key
        self.parts.mkdir()
        content = msgspec.json.encode(State(scoring, key))
        write_whole(self.folder / STATE, msgspec.json.format(content, indent=1))
        return key, {}

    def mark_done(self, part: Part, done: Done) -> None:
        write_whole(self.parts / f"{part}.json", msgspec.json.encode(done))

    def drop(self, part: Part) -> None:
        """It counts as not done."""
        (self.parts / f"{part}.json").unlink(missing_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read_state(self) -> State | None:
        try:
            return msgspec.json.decode((self.folder / STATE).read_bytes(), type=State)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def _done(self, key: str) -> dict[Part, Done]:
        return {
            Part(*map(int, path.stem.split("-"))): msgspec.json.decode(path.read_bytes(), type=Done)
            for path in sorted((self.folder / key).glob("[0-9]*-[0-9]*.json"))
        }

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK:
                path.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file aside and renames it: it is there whole or not at all."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.aside")
    aside.write_bytes(content)
    put(aside, path)


def put(aside: Path, path: Path) -> None:
    """Renames what is written, once it is on the disk: else a loss of power may leave the name of an empty file."""
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)


def parts_of(done: dict[Part, Done]) -> str:
    """How many they are, for people."""
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
