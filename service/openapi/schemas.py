"""JSON Schemas of what goes in and comes out, by a model's contract: exact, so that a test can hold answers to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from service.bundle.contract import MOST_NAMED, Column, Contract

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
WHOLE: Json = {"type": "integer", "minimum": 0}
ARM: Json = {"enum": ["champion", "challenger"]}
LATEST_ROW = 2**31 - 1


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def closed_object(properties: Json, optional: tuple[str, ...] = ()) -> Json:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def array(items: Json, count: int | None = None, least: int = 0) -> Json:
    """A list: of `count` items, or of any number from `least`."""
    bounds = {"minItems": least} if count is None else {"minItems": count, "maxItems": count}
    return {"type": "array", "items": items, **bounds}


def exact_list(names: Sequence[str]) -> Json:
    """The list of all these texts. A `const` that is a list, or one a place, would stop generators of clients."""
    return array(TEXT | {"enum": list(names)}, len(names)) | {
        "uniqueItems": True,
        "examples": [list(names)],
    }


def column_schema(column: Column) -> Json:
    low, high = column.bounds
    schema: Json
    if column.type == "category":
        schema = {"type": "string"}
        if column.other is None and len(column.categories) <= MOST_NAMED:
            schema["enum"] = list(column.categories)
    elif column.type == "boolean":
        schema = {"type": "boolean"}
    elif column.type == "timestamp":
        schema = {"type": "string", "format": "date-time"}
    elif column.type == "integer":
        schema = {"type": "integer", "minimum": math.ceil(low), "maximum": math.floor(high)}
    else:
        schema = {"type": "number", "minimum": low, "maximum": high}
    if column.nullable:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    unit = f"Unit: {column.unit}." if column.unit else ""
    text = " ".join(filter(None, (column.description, unit, _unnamed_categories(column))))
    if text:
        schema["description"] = text
    return schema | {"examples": [column.sample]}


def _unnamed_categories(column: Column) -> str:
    """Of many categories: a schema stands in a document five times, and each client's code has a line for each name."""
    if column.other is not None:
        return "Any text: one that is none of the model's categories counts as other."
    if len(column.categories) <= MOST_NAMED:
        return ""
    return f"One of {len(column.categories):,} categories; the model's own page lists them."


def _nullable(contract: Contract) -> tuple[str, ...]:
    return tuple(column.name for column in contract.columns if column.nullable)


def row_schema(contract: Contract) -> Json:
    properties = {column.name: column_schema(column) for column in contract.columns}
    return closed_object(properties, _nullable(contract)) | {"examples": [contract.example]}


def columns_schema(contract: Contract) -> Json:
    lists = {column.name: array(column_schema(column), least=1) for column in contract.columns}
    return closed_object(lists, _nullable(contract))


def positional_row(contract: Contract) -> Json:
    """A row as the list of its values, in the contract's order."""
    cells = [column_schema(column) for column in contract.columns]
    return {
        "type": "array",
        "prefixItems": cells,
        "minItems": len(cells),
        "maxItems": len(cells),
    }


def native_forms(contract: Contract) -> Json:
    """The forms of a native request, by name: generated clients have a class for each."""
    row = ref(f"Row.{contract.model}")
    forms = {
        "rows": array(row, least=1),
        "instances": array({"anyOf": [row, positional_row(contract)]}, least=1),
        "columns": columns_schema(contract),
    }
    ignore = {"ignore_unknown": {"type": "boolean"}}
    return {
        f"{name.capitalize()}.{contract.model}": closed_object(
            {name: schema} | ignore, ("ignore_unknown",)
        )
        for name, schema in forms.items()
    }


def native_request(contract: Contract) -> Json:
    return {"oneOf": [ref(name) for name in native_forms(contract)]}


def prediction_schema(contract: Contract) -> Json:
    if contract.classes:
        return {"type": "string", "enum": list(contract.classes)}
    if len(contract.outputs) == 1:
        return NUMBER
    return array(NUMBER, len(contract.outputs))


def native_answer(contract: Contract) -> Json:
    properties: Json = {
        "model": {"const": contract.model},
        "version": TEXT,
        "arm": ARM,
        "request_id": TEXT,
        "predictions": array(prediction_schema(contract), least=1),
    }
    if contract.classes:
        properties["probabilities"] = array(array(NUMBER, len(contract.classes)), least=1)
        properties["classes"] = exact_list(contract.classes)
    else:
        properties["outputs"] = exact_list([output.name for output in contract.outputs])
    return closed_object(properties)


def truth_request(contract: Contract) -> Json:
    """One entry, or many."""
    entry = closed_object(
        {
            "request_id": TEXT,
            "row": WHOLE | {"maximum": LATEST_ROW},
            "value": truth_value(contract),
        },
        ("row",),
    )
    return {"oneOf": [closed_object({"entries": array(entry)}), entry]}


def truth_value(contract: Contract) -> Json:
    if contract.classes:
        return prediction_schema(contract)
    if len(contract.targets) == 1:
        return NUMBER
    names = [output.name for output in contract.targets]
    return closed_object(dict.fromkeys(names, NUMBER), tuple(names)) | {"minProperties": 1}


TRUTH_ANSWER = closed_object(
    {
        "stored": WHOLE,
        "unchanged": WHOLE,
        "replaced": WHOLE,
        "unknown": array(closed_object({"request_id": TEXT, "row": WHOLE})),
    }
)
