"""Sensitive columns are hashed or left out before a prediction reaches the spool.

A hash is BLAKE2b, 16 bytes, under the journal's key, of the value's text: the category, the number
as short as it can be written, `true` or `false`. The same value has the same hash in every model
and column, so hashes can be grouped, and joined by whoever holds the key. A null stays null: that a
value is missing is worth watching.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from service.journal.plain_values import plain_value

if TYPE_CHECKING:
    from service.bundle.contract import Column, Contract, Matrix
    from service.settings import JournalSettings

DIGEST_SIZE = 16


def keyed_hash(key: bytes, value: Any) -> str:
    return hashlib.blake2b(_text(value).encode(), key=key, digest_size=DIGEST_SIZE).hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


class Scrubber:
    """Takes the sensitive columns of one contract out of its matrices."""

    def __init__(self, contract: Contract, settings: JournalSettings):
        self._hashing = settings.sensitive == "hash"
        self._hashes = [
            (contract.positions(column.name), _Hashes(column, settings.key))
            for column in contract.columns
            if column.sensitive
        ]
        self._positions = [place for positions, _ in self._hashes for place in positions]
        self.needed = bool(self._hashes)

    def split(self, matrix: Matrix) -> tuple[Matrix, list[list[str | None]] | None]:
        """The matrix without its sensitive cells, and their hashes, one list a column."""
        clear = matrix.copy()
        clear[:, self._positions] = math.nan
        if not self._hashing:
            return clear, None
        return clear, [
            [None if math.isnan(cells[0]) else hashes[cells] for cells in map(tuple, own.tolist())]
            for own, hashes in ((matrix[:, places], hashes) for places, hashes in self._hashes)
        ]


class _Hashes(dict[tuple[float, ...], str]):
    """Cells to hash; remembers those of categories and booleans, since there are few.

    Of a time that is several features, the hash is of all of them.
    """

    def __init__(self, column: Column, key: bytes):
        super().__init__()
        self._column = column
        self._key = key

    def __missing__(self, cells: tuple[float, ...]) -> str:
        levels = self._column.levels if self._column.type == "category" else ()
        texts = [_text(plain_value(self._column.type, levels, cell)) for cell in cells]
        digest = keyed_hash(self._key, ",".join(texts))
        if self._column.type in ("category", "boolean"):
            self[cells] = digest
        return digest
