"""Batches of a table through a bundle: an answer for each row, and each value that the contract refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.cells import read_column
from scoring.errors import ScoringError
from service.bundle.contract import Contract
from service.bundle.engines import Answer
from service.bundle.exported import Bundle
from service.bundle.rows.table import Refusal, count_others, encode_table

#: The number of a row within its file, from 0; and which file that is, where a source is several.
ROW, FILE = "row", "file"
#: Longer values are cut off where they are shown.
SHOWN = 200


class Identifier(NamedTuple):
    """What tells an answer's row: a column of the table, or the row's number."""

    name: str = ""
    type: pa.DataType | None = None
    #: Whether the source may be several files, each of which counts its own rows.
    with_file: bool = False

    @property
    def fields(self) -> list[pa.Field]:
        own = pa.field(self.name, self.type) if self.name else pa.field(ROW, pa.int64())
        return [*([pa.field(FILE, pa.string())] if self.with_file else []), own]


class Batch(NamedTuple):
    """Rows of one file, from the row with the number `start` on."""

    rows: pa.RecordBatch
    start: int
    file: str = ""


class Scored(NamedTuple):
    """`answers` has all rows of a batch, empty where one is refused; `violations` each refused value."""

    answers: pa.RecordBatch
    violations: pa.RecordBatch
    #: Rows with at least one refused value.
    refused: int
    #: By column that takes them (`unknown = "other"`): values of answered rows that are none of its categories.
    others: Mapping[str, int]


class Predictor:
    """One bundle and how its answers look as a table. Safe to share between threads."""

    def __init__(self, bundle: Bundle, identifier: Identifier):
        self._bundle, self._contract, self.identifier = bundle, bundle.contract, identifier
        names = _answer_fields(self._contract)
        lineage = [
            pa.field(name, pa.dictionary(pa.int8(), pa.string())) for name in ("model", "version")
        ]
        self.schema = pa.schema([*identifier.fields, *names, *lineage])
        rows = [
            *([] if not identifier.with_file else [pa.field(FILE, pa.string())]),
            pa.field(ROW, pa.int64()),
        ]
        texts = [pa.field(name, pa.string()) for name in ("column", "given", "allowed", "reason")]
        own = [pa.field(identifier.name, identifier.type)] if identifier.name else []
        self.violations_schema = pa.schema([*rows, *own, *texts])
        for schema in (self.schema, self.violations_schema):
            if len(set(schema.names)) < len(schema.names):
                raise ScoringError(
                    f"ID={identifier.name}: the output has a column of that name already; name another, or leave ID out"
                )

    @property
    def columns(self) -> list[str]:
        """The columns that it reads of a table, if it has them."""
        own = [self.identifier.name] if self.identifier.name else []
        return list(dict.fromkeys([*own, *self._contract.names]))

    def score(self, batch: Batch) -> Scored:
        rows = len(batch.rows)
        columns = {
            column.name: read_column(column, batch.rows.column(column.name))
            for column in self._contract.columns
            if column.name in batch.rows.schema.names
        }
        encoded = encode_table(self._contract, columns, rows)
        places = None if encoded.sound.all() else np.flatnonzero(encoded.sound)
        matrix = encoded.matrix if places is None else encoded.matrix[places]
        answer = self._bundle.predict(matrix) if len(matrix) else None
        answers = [
            *self._tell(batch, np.arange(rows)),
            *_answer_columns(self._contract, answer, places, rows),
            _repeat(self._bundle.manifest.model, rows),
            _repeat(self._bundle.manifest.version, rows),
        ]
        return Scored(
            pa.record_batch(answers, schema=self.schema),
            self._violations(batch, encoded.refusals),
            rows - int(encoded.sound.sum()),
            count_others(self._contract, matrix),
        )

    def _tell(self, batch: Batch, places: NDArray[Any]) -> list[pa.Array]:
        """The columns that tell which rows these are."""
        file = [_constant(batch.file, len(places))] if self.identifier.with_file else []
        if not self.identifier.name:
            return [*file, pa.array(places + batch.start)]
        return [*file, batch.rows.column(self.identifier.name).take(pa.array(places))]

    def _violations(self, batch: Batch, refusals: list[Refusal]) -> pa.RecordBatch:
        places = np.array([refusal.row for refusal in refusals], dtype=np.int64)
        own = self._tell(batch, places)[-1:] if self.identifier.name else []
        file = [_constant(batch.file, len(places))] if self.identifier.with_file else []
        texts = [
            [refusal.column.name for refusal in refusals],
            [_shown(refusal.given) for refusal in refusals],
            _allowed(refusals),
            [refusal.reason for refusal in refusals],
        ]
        columns = [*file, pa.array(places + batch.start), *own]
        columns += [pa.array(values, pa.string()) for values in texts]
        return pa.record_batch(columns, schema=self.violations_schema)


def _allowed(refusals: list[Refusal]) -> list[str]:
    """Worked out once for each text: of thousands of categories the nearest take time."""
    texts: dict[tuple[str, str | None], str] = {}
    allowed = []
    for _, column, given, _ in refusals:
        key = column.name, given if isinstance(given, str) else None
        if key not in texts:
            texts[key] = column.allowed_beside(key[1])
        allowed.append(texts[key])
    return allowed


def _answer_fields(contract: Contract) -> list[pa.Field]:
    """`prediction`, or one a further output; of a classifier also a probability a class."""
    if contract.classes:
        odds = [pa.field(f"probability_{name}", pa.float32()) for name in contract.classes]
        return [pa.field("prediction", pa.dictionary(pa.int32(), pa.string())), *odds]
    if len(contract.outputs) == 1:
        return [pa.field("prediction", pa.float32())]
    return [pa.field(f"prediction_{output.name}", pa.float32()) for output in contract.outputs]


def _answer_columns(
    contract: Contract, answer: Answer | None, places: NDArray[Any] | None, rows: int
) -> list[pa.Array]:
    """An answer for the rows at `places`, or for all; the other rows are null."""
    fields = _answer_fields(contract)
    if answer is None:
        return [pa.nulls(rows, field.type) for field in fields]
    columns: list[pa.Array] = []
    if contract.classes:
        numbers, absent = _spread(answer.values.reshape(-1).astype(np.int32), places, rows)
        codes = pa.array(numbers, mask=absent)
        columns.append(pa.DictionaryArray.from_arrays(codes, pa.array(contract.classes)))
        values = answer.probabilities
        assert values is not None
    else:
        values = answer.values
    for position in range(len(fields) - len(columns)):
        numbers, absent = _spread(values[:, position].astype(np.float32), places, rows)
        columns.append(pa.array(numbers, mask=absent))
    return columns


def _spread(
    values: NDArray[Any], places: NDArray[Any] | None, rows: int
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Values in their places among all rows, and which rows have none."""
    if places is None:
        return np.ascontiguousarray(values), None
    spread, absent = np.zeros(rows, dtype=values.dtype), np.ones(rows, dtype=bool)
    spread[places], absent[places] = values, False
    return spread, absent


def _repeat(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int8)), pa.array([text]))


def _constant(text: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), rows)


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    # PostgreSQL takes no zero in a text.
    text = str(value).replace("\0", "\ufffd")
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
