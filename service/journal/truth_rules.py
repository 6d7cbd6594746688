"""Which values can be the truth of a model's prediction, and the one form that equal ones have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from service.bundle.contract import Contract, FieldError, name_few


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One truth, as clients send it: a label, a number, or an object of named outputs."""

    request_id: str
    value: Any
    row: int = 0


def refusals(number: int, entry: Entry, contracts: Sequence[Contract]) -> list[FieldError]:
    errors = []
    if not _storable(entry.request_id):
        allowed = "text without null characters or halves of surrogate pairs"
        errors.append(FieldError(number, "request_id", entry.request_id, allowed))
    if not 0 <= entry.row < 2**31:
        errors.append(FieldError(number, "row", entry.row, "a row's number, from 0"))
    if all(not _fits(entry.value, contract) for contract in contracts):
        errors.append(FieldError(number, "value", entry.value, _allowed(contracts)))
    return errors


def _storable(text: str) -> bool:
    """Neither database holds half of a surrogate pair, nor PostgreSQL a null: no prediction has them."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _fits(value: Any, contract: Contract) -> bool:
    if contract.classes:
        return value in contract.classes
    if len(contract.targets) == 1:
        return _is_number(value)
    names = {output.name for output in contract.targets}
    return (
        isinstance(value, dict)
        and bool(value)
        and names >= value.keys()
        and all(_is_number(number) for number in value.values())
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _allowed(contracts: Sequence[Contract]) -> str:
    classes = dict.fromkeys(name for contract in contracts for name in contract.classes)
    if classes:
        return "one of " + name_few(list(classes))
    outputs = contracts[0].targets
    if len(outputs) == 1:
        return "a finite number"
    names = name_few([output.name for output in outputs], str)
    return f"an object with a finite number for one or more of {names}"


def normal(value: Any, contract: Contract) -> Any:
    """One form for equal values: 3 and 3.0, and objects in the contract's order."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {
            output.name: float(value[output.name])
            for output in contract.targets
            if output.name in value
        }
    return float(value)
