"""Opens a table by its source: an address with :// is a database, anything else a file or a glob of files."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tables.csv_format import CsvFormat
from tables.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa

    from tables.kinds import Kinds

TEXT_FILES = (".csv", ".tsv", ".txt")
FILES = (*TEXT_FILES, ".parquet")


class Part(Protocol):
    """A file or a query that was opened. `written`: its values are texts, whatever they stand for."""

    @property
    def names(self) -> list[str]: ...

    @property
    def written(self) -> bool: ...

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]: ...


class Table(NamedTuple):
    """`names` are the columns of all parts, in the order in which they occur."""

    source: str
    form: CsvFormat
    parts: Sequence[Part]
    names: tuple[str, ...]

    def batches(self, kinds: Kinds) -> Iterator[pa.RecordBatch]:
        """The rows in order, once through. Each batch has the columns of `kinds` that the table has, in that order.

        A column is of its kind's type (`tables.kinds.TYPES`), or text in a batch where a value cannot be read so. One
        that a file lacks, and another has, is null in its batches.
        """
        # pylint: disable=import-outside-toplevel  # whoever only names a source needs no Arrow
        from tables.kinds import typed_batch

        kinds = {name: kind for name, kind in kinds.items() if name in self.names}
        for part in self.parts:
            present = [name for name in kinds if name in part.names]
            for batch in part.batches(present):
                yield typed_batch(batch, kinds, self.form, part.written)


@contextmanager
def open_table(source: str, form: CsvFormat = CsvFormat(), query: str = "") -> Iterator[Table]:
    """Headers are read, and a query is sent; TableError names what cannot be."""
    # pylint: disable=import-outside-toplevel  # a file needs no SQLAlchemy
    with ExitStack() as opened:
        parts: list[Part]
        if "://" in source:
            from tables.sql import sent

            parts = [opened.enter_context(sent(source, query))]
        else:
            parts = [_opened(path, form) for path in files_of(source)]
        names = tuple(dict.fromkeys(name for part in parts for name in part.names))
        yield Table(source, form, parts, names)


def files_of(pattern: str) -> list[Path]:
    """All files of a glob, in the order of their names; a file that is there goes by its name, whatever is in it."""
    own = Path(pattern)
    paths = (
        [own]
        if own.is_file()
        else [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    )
    if not paths:
        raise TableError(
            f"{pattern}: no such file in {Path.cwd()}; a source is a file, a glob, an SQL URL or sample:farm"
        )
    for path in paths:
        if path.suffix not in FILES:
            raise TableError(
                f"{path}: given a file ending in {path.suffix!r}; allowed: {', '.join(FILES)}"
            )
    return paths


def _opened(path: Path, form: CsvFormat) -> Part:
    # pylint: disable=import-outside-toplevel
    if path.suffix == ".parquet":
        from tables.parquet_file import ParquetFile

        return ParquetFile(path)
    from tables.csv_file import CsvFile

    return CsvFile(path, form)
