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
        self._hashes = {
            position: _Hashes(feature.column, settings.key)
            for position, feature in enumerate(contract.features)
            if feature.column.sensitive
        }
        self._positions = list(self._hashes)
        self.needed = bool(self._hashes)

    def split(self, matrix: Matrix) -> tuple[Matrix, list[list[str | None]] | None]:
        """The matrix without its sensitive cells, and their hashes, one list a column."""
        clear = matrix.copy()
        clear[:, self._positions] = math.nan
        if not self._hashing:
            return clear, None
        return clear, [
            [None if math.isnan(cell) else hashes[cell] for cell in matrix[:, position].tolist()]
            for position, hashes in self._hashes.items()
        ]


class _Hashes(dict[float, str]):
    """Cell to hash; remembers those of categories and booleans, since there are few."""

    def __init__(self, column: Column, key: bytes):
        super().__init__()
        self._column = column
        self._key = key

    def __missing__(self, cell: float) -> str:
        digest = keyed_hash(
            self._key, plain_value(self._column.type, self._column.categories, cell)
        )
        if self._column.type in ("category", "boolean"):
            self[cell] = digest
        return digest
