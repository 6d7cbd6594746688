"""The OpenAPI 3.1 document, generated from the contracts: its examples work when pasted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from service.contract import Column, Contract
from service.serving import Core, Served
from service.tensors import NUMBERS

Json = dict[str, Any]
PROBLEMS = {
    "400": "Not JSON, not sound HTTP, or a header that cannot be.",
    "401": "No key, or none that is known.",
    "403": "The key has not the scope, or not for this model.",
    "404": "No such model or page; the models there are.",
    "405": "Another method is allowed here.",
    "408": "The body did not arrive in time.",
    "409": "Already under way.",
    "413": "The body is larger than allowed.",
    "415": "Another content type or encoding is needed.",
    "422": "Not as the contract says: one entry a bad field.",
    "502": "Jenkins, or the command, could not be reached.",
    "503": "Busy or draining: try again, as Retry-After says.",
}
READ = ("400", "401", "403", "404")
WRITE = (*READ, "408", "413", "415", "422", "503")


def column_schema(column: Column) -> Json:
    low, high = column.bounds
    schema: Json
    if column.type == "category":
        schema = {"type": "string", "enum": list(column.categories)}
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
    text = " ".join(
        filter(None, (column.description, f"Unit: {column.unit}." if column.unit else ""))
    )
    if text:
        schema["description"] = text
    return schema | {"examples": [column.sample]}


def row_schema(contract: Contract) -> Json:
    return {
        "type": "object",
        "properties": {column.name: column_schema(column) for column in contract.columns},
        "required": [column.name for column in contract.columns if not column.nullable],
        "additionalProperties": False,
        "examples": [contract.example],
    }


def _columns_schema(contract: Contract) -> Json:
    lists = {
        column.name: {"type": "array", "items": column_schema(column), "minItems": 1}
        for column in contract.columns
    }
    required = [column.name for column in contract.columns if not column.nullable]
    return {
        "type": "object",
        "properties": lists,
        "required": required,
        "additionalProperties": False,
    }


def _a_truth(contract: Contract) -> Any:
    if contract.classes:
        return contract.classes[0]
    names = [output.name for output in contract.outputs]
    return 1.0 if len(names) == 1 else dict.fromkeys(names, 1.0)


def _rows(items: Json) -> Json:
    return {"type": "array", "items": items, "minItems": 1}


def _one_of(**forms: Json) -> list[Json]:
    return [
        {
            "type": "object",
            "properties": {name: schema, "ignore_unknown": {"type": "boolean"}},
            "required": [name],
            "additionalProperties": False,
        }
        for name, schema in forms.items()
    ]


def _prediction_schema(contract: Contract) -> Json:
    if contract.classes:
        return {"type": "string", "enum": list(contract.classes)}
    if len(contract.outputs) == 1:
        return {"type": "number"}
    return {"type": "array", "items": {"type": "number"}}


def _answer_schema(contract: Contract) -> Json:
    texts: Json = {name: {"type": "string"} for name in ("model", "version", "request_id")}
    properties: Json = texts | {
        "arm": {"enum": ["champion", "challenger"]},
        "predictions": {"type": "array", "items": _prediction_schema(contract)},
    }
    if contract.classes:
        numbers = {"type": "array", "items": {"type": "number"}}
        properties["probabilities"] = {"type": "array", "items": numbers}
        properties["classes"] = {"type": "array", "items": {"type": "string"}}
    else:
        properties["outputs"] = {"type": "array", "items": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": list(properties)}


TENSOR: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "datatype": {"enum": ["BYTES", *NUMBERS]},
        "data": {"type": "array"},
        "parameters": {"type": "object"},
    },
    "required": ["name", "shape", "datatype"],
}
PROBLEM: Json = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "row": {"type": "integer"},
                    "column": {"type": "string"},
                    "given": {},
                    "allowed": {"type": "string"},
                },
                "required": ["row", "column", "given", "allowed"],
            },
        },
        "total": {"type": "integer"},
    },
    "required": ["type", "title", "status", "detail", "request_id"],
}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def responses(good: Json, codes: Iterable[str], status: str = "200") -> Json:
    problem = {"application/problem+json": {"schema": ref("Problem")}}
    found: Json = {status: {"description": "The answer.", "content": {"application/json": good}}}
    return found | {code: {"description": PROBLEMS[code], "content": problem} for code in codes}


def operation(  # pylint: disable=too-many-arguments
    tag: str,
    summary: str,
    good: Json,
    codes: Iterable[str],
    *,
    body: Json | None = None,
    status: str = "200",
    headers: bool = False,
    operation_id: str,
) -> Json:
    found: Json = {
        "tags": [tag],
        "summary": summary,
        "operationId": operation_id,
        "responses": responses(good, codes, status),
    }
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": body}}
    if headers:
        found["parameters"] = [
            {"$ref": f"#/components/parameters/{name}"} for name in ("RequestId", "Subject")
        ]
    return found


def example_tensors(contract: Contract) -> Json:
    kinds = {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}
    inputs = [
        {
            "name": column.name,
            "shape": [1],
            "datatype": kinds.get(column.type, "BYTES"),
            "data": [column.sample],
        }
        for column in contract.columns
    ]
    return {"inputs": inputs}


def _model_paths(served: Served) -> Json:
    name, contract = served.name, served.contract
    row, answer = ref(f"Row.{name}"), {"schema": ref(f"Answer.{name}")}
    columns = {column.name: [column.sample] for column in contract.columns}
    native = {
        "schema": {
            "oneOf": _one_of(
                rows=_rows(row), instances=_rows(row), columns=_columns_schema(contract)
            )
        },
        "examples": {
            "rows": {"value": {"rows": [contract.example]}},
            "columns": {"value": {"columns": columns}},
        },
    }
    tensors = {
        "schema": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "inputs": {"type": "array", "items": TENSOR, "minItems": 1},
                "id": {"type": "string"},
            },
        },
        "examples": {"tensors": {"value": example_tensors(contract)}},
    }
    frames = {
        "schema": {
            "oneOf": [
                {
                    "type": "object",
                    "required": ["dataframe_records"],
                    "additionalProperties": False,
                    "properties": {"dataframe_records": _rows(row)},
                },
                {
                    "type": "object",
                    "required": ["inputs"],
                    "additionalProperties": False,
                    "properties": {"inputs": _columns_schema(contract)},
                },
            ]
        },
        "examples": {"records": {"value": {"dataframe_records": [contract.example]}}},
    }
    entry = {
        "type": "object",
        "required": ["request_id", "value"],
        "properties": {
            "request_id": {"type": "string"},
            "row": {"type": "integer", "minimum": 0},
            "value": {},
        },
    }
    truth = {
        "schema": {
            "type": "object",
            "required": ["entries"],
            "additionalProperties": False,
            "properties": {"entries": {"type": "array", "items": entry}},
        },
        "examples": {
            "one": {
                "value": {
                    "entries": [
                        {"request_id": "a-request-id", "row": 0, "value": _a_truth(contract)}
                    ]
                }
            }
        },
    }
    anything: Json = {"schema": {"type": "object"}}
    base, v2 = f"/v1/models/{name}", f"/v2/models/{name}"
    return {
        f"{base}/predict": {
            "post": operation(
                name,
                "Predict",
                answer,
                WRITE,
                body=native,
                headers=True,
                operation_id=f"predict.{name}",
            )
        },
        f"{base}:predict": {
            "post": operation(
                name,
                "Predict (KServe V1)",
                answer,
                WRITE,
                body=native,
                operation_id=f"kserve.{name}",
            )
        },
        f"{v2}/infer": {
            "post": operation(
                name,
                "Infer (Open Inference Protocol V2)",
                anything,
                WRITE,
                body=tensors,
                operation_id=f"infer.{name}",
            )
        },
        f"{base}/invocations": {
            "post": operation(
                name,
                "Score (MLflow)",
                anything,
                WRITE,
                body=frames,
                operation_id=f"invocations.{name}",
            )
        },
        f"{base}/truth": {
            "post": operation(
                name,
                "Say what really happened",
                anything,
                WRITE,
                body=truth,
                operation_id=f"truth.{name}",
            )
        },
        f"{base}/retrain": {
            "post": operation(
                name,
                "Start a training (scope admin)",
                anything,
                (*WRITE, "409", "502"),
                status="202",
                body=anything,
                operation_id=f"retrain.{name}",
            )
        },
        base: {
            "get": operation(
                name,
                "Contract, versions, lineage, traffic",
                anything,
                READ,
                operation_id=f"model.{name}",
            )
        },
        v2: {
            "get": operation(name, "Metadata (V2)", anything, READ, operation_id=f"metadata.{name}")
        },
    }


def _service_paths() -> Json:
    anything: Json = {"schema": {"type": "object"}}
    plain: Json = responses(anything, ())
    plain["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    summaries = {
        "/health/live": ("Alive", ()),
        "/health/ready": (
            "Ready: bundles verified, golden rows reproduced, not draining",
            ("503",),
        ),
        "/v1/models": ("What is served", READ),
        "/v2": ("Server metadata (V2)", READ),
        "/v2/health/live": ("Alive (V2)", ()),
        "/v2/health/ready": ("Ready (V2)", ("503",)),
        "/version": ("Release", ()),
    }
    found: Json = {
        path: {
            "get": operation(
                "service", text, anything, codes, operation_id="service" + path.replace("/", ".")
            )
        }
        for path, (text, codes) in summaries.items()
    }
    found["/metrics"] = {
        "get": {
            "tags": ["service"],
            "summary": "Prometheus, across all workers",
            "operationId": "service.metrics",
            "responses": plain,
        }
    }
    return found


def document(core: Core) -> Json:
    schemas: Json = {"Problem": PROBLEM}
    paths: Json = {}
    for name, served in core.models.items():
        schemas[f"Row.{name}"] = row_schema(served.contract)
        schemas[f"Answer.{name}"] = _answer_schema(served.contract)
        paths |= _model_paths(served)
    text = {"type": "string"}
    found: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Swarmline",
            "version": core.settings.release,
            "description": "Predictions by four protocols, their truth, and training anew.",
        },
        "paths": paths | _service_paths(),
        "components": {
            "schemas": schemas,
            "parameters": {
                "RequestId": {
                    "name": "X-Request-Id",
                    "in": "header",
                    "schema": text,
                    "description": "Yours, if it is sane: up to 128 letters, digits and . _ : -",
                },
                "Subject": {
                    "name": "X-Subject",
                    "in": "header",
                    "schema": text | {"pattern": "^[!-~]{1,200}$"},
                    "description": "Who it is about: the same subject stays with the same arm.",
                },
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "tags": [
            {"name": name, "description": served.contract.task}
            for name, served in core.models.items()
        ]
        + [{"name": "service"}],
    }
    if core.door.closed:
        found["security"] = [{"key": []}]
    return found
