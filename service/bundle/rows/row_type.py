"""The type that msgspec reads one row of a body as, made from the contract: it refuses most that the contract does."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, Optional

import msgspec

from service.bundle.contract import Column, Contract

#: msgspec gives no field such a name; JSON allows it.
_UNNAMEABLE = re.compile(r'[\x00-\x1f"\\]')


def row_type(contract: Contract) -> type[msgspec.Struct]:
    """What msgspec reads a row as. Where it cannot have the columns' names, no row is one: all go to `encode_rows`."""
    if any(_UNNAMEABLE.search(name) for name in contract.names):
        never = Annotated[int, msgspec.Meta(gt=0, lt=0)]
        return msgspec.defstruct("Row", [("never", never)], forbid_unknown_fields=True)
    return msgspec.defstruct(
        "Row",
        [_row_field(position, column) for position, column in enumerate(contract.columns)],
        rename={f"c{position}": name for position, name in enumerate(contract.names)},
        forbid_unknown_fields=True,
        gc=False,
        kw_only=True,
    )


def _row_field(position: int, column: Column) -> tuple[str, Any] | tuple[str, Any, Any]:
    low, high = column.bounds
    types: dict[str, Any] = {
        "number": Annotated[float, msgspec.Meta(ge=low, le=high)],
        "integer": Annotated[int, msgspec.Meta(ge=math.ceil(low), le=math.floor(high))],
        "category": _category_type(column),
        "boolean": bool,
        "timestamp": str,
    }
    if column.nullable:
        # Left out is not null here: what leaves columns out is read by `encode_rows`.
        kind: Any = types[column.type]
        kind = Optional[kind] | msgspec.UnsetType
        return (f"c{position}", kind, msgspec.UNSET)
    return (f"c{position}", types[column.type])


def _category_type(column: Column) -> Any:
    """Where other texts are allowed, any is read here, and the encoder tells them apart."""
    if column.other is not None or not column.categories:
        return str
    return Literal[column.categories]
