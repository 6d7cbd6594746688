"""A window and its reference as two tables of columns that may be shown: what the process that draws them is handed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from service.bundle.contract import Contract, Matrix, Part

#: Rows of each side: more make the report larger, not clearer.
MOST_ROWS = 2000
#: Fewer tell nothing.
LEAST_ROWS = 30
LAYOUT, REFERENCE, WINDOW = "layout.json", "reference.npy", "window.npy"
#: Evidently writes names and categories into its scripts as they are: one with `</script>` in it would end them.
PLAIN = str.maketrans({"<": "‹", ">": "›", "&": "＆", "\u2028": " ", "\u2029": " "})


class ShownColumn(msgspec.Struct, frozen=True):
    """Its place in the tables is its place in the list; `levels` are the names of its numbers."""

    name: str
    kind: Literal["number", "category"]
    levels: tuple[str, ...] = ()


class Tables(msgspec.Struct, frozen=True):
    """`title` is what the report is of."""

    title: str
    columns: tuple[ShownColumn, ...]
    reference: Matrix
    window: Matrix


def draw_up(title: str, contract: Contract, reference: Matrix, window: Matrix) -> Tables:
    """Without sensitive columns, by the contract's word, and without those that are empty on a side."""
    parts = [
        part
        for part in contract.parts
        if not part.column.sensitive
        and np.isfinite(part.values(reference)).any()
        and np.isfinite(part.values(window)).any()
    ]
    sides = (_side(parts, matrix[:MOST_ROWS]) for matrix in (reference, window))
    return Tables(title.translate(PLAIN), _named(parts), *sides)


def _side(parts: list[Part], matrix: Matrix) -> Matrix:
    values = [part.values(matrix) for part in parts]
    return np.array(values, np.float32).reshape(len(parts), len(matrix)).T


def _named(parts: list[Part]) -> tuple[ShownColumn, ...]:
    shown: dict[str, ShownColumn] = {}
    for part in parts:
        name = part.name.translate(PLAIN)
        while name in shown:
            name += "′"
        shown[name] = ShownColumn(
            name,
            "category" if part.column.levels else "number",
            tuple(level.translate(PLAIN) for level in part.column.levels),
        )
    return tuple(shown.values())


def write(tables: Tables, folder: Path) -> None:
    (folder / LAYOUT).write_bytes(msgspec.json.encode((tables.title, tables.columns)))
    np.save(folder / REFERENCE, tables.reference, allow_pickle=False)
    np.save(folder / WINDOW, tables.window, allow_pickle=False)


def read(folder: Path) -> Tables:
    layout = (folder / LAYOUT).read_bytes()
    title, columns = msgspec.json.decode(layout, type=tuple[str, tuple[ShownColumn, ...]])
    sides = (np.load(folder / name, allow_pickle=False) for name in (REFERENCE, WINDOW))
    return Tables(title, columns, *sides)
