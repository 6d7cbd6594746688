"""Answers as one Parquet or CSV file, and violations as CSV beside it: parts are written aside, joined and renamed."""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from scoring.predictor import Scored
from scoring.unfinished import PART_ROWS, Done, Part, Unfinished, put

COPY_BYTES = 1 << 20


class FileSink:
    """`suffix` says the kind: .parquet or .csv."""

    def __init__(self, out: Path, schema: pa.Schema, violations: pa.Schema):
        self.out, self.schema, self.violations = out, schema, violations
        self.unfinished = Unfinished(out.with_name(f".{out.name}.unfinished"))

    @property
    def violations_file(self) -> Path:
        return self.out.with_name(f"{self.out.stem}.violations.csv")

    @property
    def place(self) -> str:
        return str(self.out)

    @property
    def violations_place(self) -> str:
        return str(self.violations_file)

    @contextlib.contextmanager
    def prepared(self, done: dict[Part, Done]) -> Iterator[None]:
        """Parts are files of their own; one that somebody removed is scored again."""
        for part in [part for part in done if not self._is_there(part, done[part])]:
            del done[part]
        yield

    def _is_there(self, part: Part, done: Done) -> bool:
        suffixes = [self.out.suffix, *([".violations"] if done.violations else [])]
        return all((self.unfinished.parts / f"{part}{suffix}").is_file() for suffix in suffixes)

    def part(self, part: Part) -> FilePart:
        return FilePart(self, part)

    def finish(self, done: dict[Part, Done], _key: str) -> None:
        """All parts as one file. Violations come first: who sees the answers sees what they lack."""
        parts = sorted(done)
        folder = self.unfinished.parts
        with_violations = [part for part in parts if done[part].violations]
        if with_violations:
            files = [folder / f"{part}.violations" for part in with_violations]
            _join_csv(files, self.violations, folder / "violations")
            put(folder / "violations", self.violations_file)
        else:
            self.violations_file.unlink(missing_ok=True)
        files = [folder / f"{part}{self.out.suffix}" for part in parts]
        join = _join_parquet if self.out.suffix == ".parquet" else _join_csv
        join(files, self.schema, folder / "answers")
        put(folder / "answers", self.out)


class FilePart:
    """One part while it is written."""

    def __init__(self, sink: FileSink, part: Part):
        self._sink, self._part, self._folder = sink, part, sink.unfinished.parts
        # Of its own: a worker that was given up may still write the same part.
        self._token = uuid.uuid4().hex
        self._answers = _open(self._aside(sink.out.suffix), sink.schema, sink.out.suffix)
        self._violations: Any = None
        self._counts = {"rows": 0, "refused": 0, "violations": 0}
        self._others: Counter[str] = Counter()

    def write(self, scored: Scored) -> None:
        self._answers.write_batch(scored.answers)
        if len(scored.violations):
            if self._violations is None:
                self._violations = _open(self._aside(".violations"), self._sink.violations, ".csv")
            self._violations.write_batch(_without_formulas(scored.violations))
        self._counts["rows"] += len(scored.answers)
        self._counts["refused"] += scored.refused
        self._counts["violations"] += len(scored.violations)
        self._others.update(scored.others)

    def commit(self, last: int | str | None) -> Done:
        self._answers.close()
        self._put(self._sink.out.suffix)
        if self._violations is not None:
            self._violations.close()
            self._put(".violations")
        done = Done(**self._counts, last=last, others=dict(self._others))
        self._sink.unfinished.mark_done(self._part, done)
        return done

    def abandon(self) -> None:
        """What is aside is written anew by the next try."""
        self._answers.close()
        if self._violations is not None:
            self._violations.close()

    def _aside(self, suffix: str) -> Path:
        return self._folder / f".{self._part}.{self._token}{suffix}.aside"

    def _put(self, suffix: str) -> None:
        put(self._aside(suffix), self._folder / f"{self._part}{suffix}")


def _without_formulas(violations: pa.RecordBatch) -> pa.RecordBatch:
    """People open them in spreadsheets, which run what begins like a formula: an apostrophe makes it a text.

    `given` is whatever stood in the table; of numbers the sign stays.
    """
    texts = violations.column("given")
    is_formula = pc.and_(
        pc.match_substring_regex(texts, r"^\s*[=+@\t\r-]"),
        pc.invert(pc.match_substring_regex(texts, r"^[+-]?[0-9.,]+(?:e[+-]?[0-9]+)?$")),
    )
    marked = pc.if_else(is_formula, pc.binary_join_element_wise("'", texts, ""), texts)
    return violations.set_column(violations.schema.get_field_index("given"), "given", marked)


def _open(path: Path, schema: pa.Schema, suffix: str) -> Any:
    if suffix == ".parquet":
        return pq.ParquetWriter(path, schema)
    return csv.CSVWriter(path, schema, write_options=csv.WriteOptions(include_header=False))


def _join_parquet(files: list[Path], schema: pa.Schema, joined: Path) -> None:
    with pq.ParquetWriter(joined, schema) as writer:
        for file in files:
            # A part is small enough to be held, and so is one row group of the output.
            writer.write_table(pq.read_table(file, partitioning=None), row_group_size=PART_ROWS)


def _join_csv(files: list[Path], schema: pa.Schema, joined: Path) -> None:
    with joined.open("wb") as target:
        with csv.CSVWriter(target, schema):
            # The header alone.
            pass
        for file in files:
            with file.open("rb") as part:
                while block := part.read(COPY_BYTES):
                    target.write(block)
